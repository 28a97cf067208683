/**
 * Shapes of secrets and lines without any, beside those of redact.test.ts: together more than 150 of the one and 500 of the other.
 * Every secret here is made up; formats of tokens are put together, so that no scanner takes this file for a leak.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "toml";
import { expect, test } from "vitest";
import { redact } from "../../src/model/index.ts";

const S = "hunter2!Zq9";
const hex = (length: number): string => "0a1b2c3d4e5f6a7b".repeat(9).slice(0, length);
const mixed = (length: number): string => "aB3dE5gH7jK9mN1p".repeat(12).slice(0, length);
const upper = (length: number): string => mixed(length).toUpperCase();

/** A line, `§` where the secret stands, and the secret. */
const SHAPES: readonly (readonly [line: string, secret: string])[] = [
  // clients of databases and queues
  ["PGPASSWORD=§ pg_dump -h db app > a.sql", S], ["psql 'host=db user=app password=§ dbname=app'", S], ["psql \"postgresql://app:§@db/app?sslmode=require\"", S], ["mongosh mongodb+srv://app:§@c0.example.net/app", S],
  ["mongodump --uri=mongodb://root:§@db:27017", S], ["mongo -u root -p § admin", S], ["mongosh --username root --password § db", S], ["mysqladmin -uroot -p§ status", S], ["mariadb -u root --password=§ -e 'show tables'", S],
  ["sqlcmd -S db -U sa -P § -Q 'select 1'", S], ["bcp t out f -S db -U sa -P §", S], ["sqlplus app/§@db", S], ["cqlsh -u cassandra -p § db", S], ["influx -username admin -password '§'", S], ["clickhouse-client --user default --password §", S],
  ["redis-cli -u rediss://default:§@h:6380", S], ["REDISCLI_AUTH=§ redis-cli ping", S], ["rabbitmqctl add_user app §", S], ["rabbitmqadmin -u guest -p § list queues", S], ["amqp-publish -u amqp://app:§@mq/", S], ["kcat -b b -X sasl.password=§ -L", S],
  ["snowsql -a acc -u me --private-key-passphrase §", S], ["neo4j-admin set-initial-password §", S], ["cypher-shell -u neo4j -p § 'return 1'", S], ["etcdctl --user root:§ get a", S], ["elasticsearch-reset-password -u elastic --password §", S],
  // shares, mail, remote shells
  ["smbclient //h/share -U 'me%§'", S], ["mount -t cifs //h/s /mnt -o username=me,password=§", S], ["lftp -u me,§ ftp.example.org", S], ["ftp ftp://me:§@h/x", S], ["curl -T f sftp://me:§@h/x", S], ["ncftpput -u me -p § h /d f", S],
  ["xfreerdp /u:me /p:§ /v:h", S], ["rdesktop -u me -p § h", S], ["plink -pw § me@h ls", S], ["pscp -pw § f me@h:", S], ["winexe -U 'dom/me%§' //h cmd", S], ["ipmitool -H h -U admin -P § power status", S], ["snmpget -v3 -A § -u me h oid", S],
  ["swaks --auth-user me --auth-password § --to a@b.example", S], ["vncpasswd -f <<< '§'", S], ["echo 'root:§' | chpasswd", `root:${S}`], ["usermod -p '§' me", "$6$saltsalt$abcdefghijklmnop"],
  ["useradd -m -p '§' me", "$6$saltsalt$abcdefghijklmnop"], ["net user me § /add", S], ["kinit me@R <<< §", S], ["echo § | kinit me@R", S], ["echo '§' | su - root -c id", S],
  // clouds and registries
  ["aws configure set aws_session_token §", mixed(40)], ["AWS_SESSION_TOKEN=§ aws s3 ls", mixed(60)], ["export AWS_SECRET_ACCESS_KEY='§'", mixed(40)], ["az login --service-principal -u id -p § --tenant t", S], ["az storage blob list --account-key §", mixed(60)],
  ["az storage blob list --sas-token 'sv=2024&sig=§'", mixed(30)], ["curl 'https://a.blob.example.net/c?sv=2024-01-01&sig=§'", mixed(44)], ["curl 'https://b.s3.example.com/k?X-Amz-Signature=§'", hex(64)], ["curl 'https://b.s3.example.com/k?X-Amz-Security-Token=§'", mixed(60)],
  ["gcloud auth activate-refresh-token me §", mixed(40)], ["doctl auth init -t §", `dop_v1_${hex(64)}`], ["linode-cli --token § list", mixed(40)], ["hcloud context create p --token §", mixed(40)], ["flyctl auth token §", `fo1_${mixed(40)}`], ["fly secrets set STRIPE_KEY=§", S],
  ["fly secrets set DATABASE_URL=postgres://a:§@db/x", S], ["heroku config:set SECRET_KEY=§ -a app", S], ["vercel --token § deploy", mixed(24)], ["netlify deploy --auth §", mixed(40)], ["wrangler secret put API_TOKEN <<< '§'", S], ["echo § | wrangler secret put API_TOKEN", S],
  ["echo -n § | gcloud secrets create s --data-file=-", S], ["echo -n '§' | docker secret create s -", S], ["echo '§' | kubectl create secret generic s --from-file=p=/dev/stdin", S], ["kubectl create secret docker-registry r --docker-password=§", S], ["kubectl config set-credentials u --token=§", mixed(40)],
  ["kubectl --token § get pods", mixed(40)], ["oc login h --token=§", `sha256~${mixed(43)}`], ["helm upgrade a c --set auth.rootPassword=§", S], ["helm registry login r -u me -p §", S], ["terraform apply -var db_password=§", S], ["terraform apply -var 'db_password=§'", S], ["TF_VAR_admin_password=§ terraform plan", S],
  ["pulumi config set --secret dbPassword §", S], ["pulumi config set aws:secretKey § --secret", S], ["ansible-playbook s.yml -e 'ansible_become_pass=§'", S], ["ansible-playbook s.yml -e '{\"vault_password\":\"§\"}'", S], ["vault kv put secret/app password=§", S], ["vault write auth/userpass/login/me password=§", S],
  ["vault operator unseal §", mixed(44)], ["consul kv put app/password §", S], ["consul acl token read -token=§", "0a1b2c3d-4e5f-6a7b-8c9d-0e1f2a3b4c5d"], ["op item create --category login password=§", S], ["bw unlock § --raw", S], ["bw login me@example.org §", S], ["aws ssm put-parameter --name /p --type SecureString --value §", S],
  ["aws secretsmanager create-secret --name s --secret-string '§'", S], ["aws secretsmanager put-secret-value --secret-id s --secret-string §", S], ["aws rds create-db-instance --master-user-password §", S], ["aws cognito-idp admin-set-user-password --username u --password §", S], ["circleci setup --token § --host h", hex(40)],
  ["echo § | docker login ghcr.io -u me --password-stdin", S], ["skopeo copy --src-creds me:§ docker://a docker://b", S], ["skopeo inspect --creds=me:§ docker://a", S], ["crane auth login r -u me -p §", S], ["buildah login -u me -p § r", S], ["cosign sign --key k <<< §", S],
  // package managers and forges
  ["npm config set _authToken=§", mixed(36)], ["echo '//r.example/:_authToken=§' > .npmrc", mixed(36)], ["npm publish --otp=123456 --//r.example/:_authToken=§", mixed(36)], ["yarn config set npmAuthToken §", mixed(36)], ["poetry config pypi-token.pypi §", `pypi-${mixed(60)}`], ["poetry config http-basic.r me §", S],
  ["twine upload -u me -p § dist/*", S], ["pip install --index-url https://me:§@r.example/simple p", S], ["gem push g.gem --key §", mixed(24)], ["cargo login §", mixed(36)], ["dotnet nuget push p.nupkg -k § -s r", mixed(46)], ["nuget setApiKey § -Source r", mixed(46)], ["mvn deploy -Dgpg.passphrase=§", S],
  ["gradle publish -PsigningPassword=§", S], ["composer config http-basic.r.example me §", S], ["git clone https://oauth2:§@git.example.org/a/b", mixed(26)], ["git remote set-url origin https://x-access-token:§@h/a/b", mixed(40)], ["git config credential.helper '!f() { echo password=§; }; f'", S], ["glab auth login --token §", mixed(26)],
  ["gh auth login --with-token <<< §", mixed(40)], ["git fetch https://§@github.example/a/b", `ghs_${mixed(36)}`], ["hub api -H 'Authorization: token §' user", hex(40)], ["sentry-cli --auth-token § releases list", hex(64)], ["codecov -t §", "0a1b2c3d-4e5f-6a7b-8c9d-0e1f2a3b4c5d"],
  // http
  ["curl -H 'X-Auth-Token: §' h", S], ["curl -H 'X-Access-Token: §' h", S], ["curl -H 'Ocp-Apim-Subscription-Key: §' h", hex(32)], ["curl -H 'X-Goog-Api-Key: §' h", mixed(39)], ["curl -H 'x-amz-security-token: §' h", mixed(60)], ["curl -H 'DD-API-KEY: §' h", hex(32)], ["curl -H 'X-Shopify-Access-Token: §' h", `shpat_${hex(32)}`],
  ["curl --oauth2-bearer § h", mixed(40)], ["curl --proxy-user me:§ h", S], ["curl -x http://me:§@proxy:3128 h", S], ["curl 'https://h/v1?api_key=§'", S], ["curl 'https://h/v1?key=§'", `AIza${mixed(35)}`], ["curl 'https://h/cb?code=1&client_secret=§'", S], ["curl -F 'password=§' h", S], ["curl --data-urlencode 'passwd=§' h", S],
  ["curl --json '{\"refresh_token\":\"§\"}' h", mixed(40)], ["curl -d '{\"a\":{\"privateKey\":\"§\"}}' h", S], ["curl -d 'grant_type=password&username=u&password=§' h", S], ["wget --http-password=§ h", S], ["wget --password § h", S], ["wget --header 'Cookie: sid=§' h", mixed(20)], ["http -A bearer -a § h", mixed(30)], ["xh h Authorization:'Bearer §'", mixed(30)],
  ["aria2c --http-passwd=§ h", S], ["yt-dlp -u me -p § u", S], ["websocat -H 'Authorization: Bearer §' ws://h", mixed(30)], ["grpcurl -H 'authorization: Bearer §' h:443 list", mixed(30)], ["curl -u ':§' h", S], ["ab -A me:§ http://h/", S], ["siege --header='Authorization: Basic §' h", "dXNlcjpwYXNzd29yZA=="],
  // files that a line writes
  ["cat > .env <<'E'\nDB_HOST=db\nDB_PASSWORD=§\nE", S], ["cat > .env <<E\nSTRIPE_SECRET_KEY=§\nE", `sk_live_${mixed(24)}`], ["cat > c.toml <<E\n[auth]\ntoken = \"§\"\nE", S], ["cat > c.ini <<E\npassword = §\nE", S], ["cat > .netrc <<E\nmachine h login me password §\nE", S], ["echo 'machine h login me password §' >> ~/.netrc", S],
  ["cat > .pgpass <<E\ndb:5432:app:me:§\nE", S], ["cat > s.xml <<E\n<server><password>§</password></server>\nE", S], ["cat > a.py <<E\nAPI_KEY = \"§\"\nE", S], ["cat > a.js <<E\nconst apiKey = '§';\nE", S], ["cat > a.go <<E\nconst apiToken = \"§\"\nE", S], ["cat > a.rb <<E\n:password => '§'\nE", S],
  ["cat > d.yml <<E\nenvironment:\n  - POSTGRES_PASSWORD=§\nE", S], ["cat > d.yml <<E\nenvironment:\n  POSTGRES_PASSWORD: §\nE", S], ["cat > s.yml <<E\nkind: Secret\nstringData:\n  api-token: §\nE", S], ["cat > D <<E\nENV API_TOKEN=§\nE", S], ["cat > D <<E\nENV API_TOKEN §\nE", S], ["cat > D <<E\nARG NPM_TOKEN=§\nE", S],
  ["tee k.json <<E\n{\"private_key\": \"§\"}\nE", "made-up-key-material"], ["printf 'password=%s\\n' '§' > c", S], ["sed -i 's/^DB_PASSWORD=.*/DB_PASSWORD=§/' .env", S], ["python3 - <<E\nimport os\nos.environ['API_KEY'] = '§'\nE", S], ["python3 -c \"requests.get(u, auth=('me', '§'))\"", S], ["node -e \"login({ user: 'me', password: '§' })\"", S],
  ["php -r '$p = [\"password\" => \"§\"];'", S], ["psql -c \"ALTER USER me WITH PASSWORD '§'\"", S], ["mysql -e \"CREATE USER me IDENTIFIED BY '§'\"", S], ["mysql -e \"SET PASSWORD FOR me = PASSWORD('§')\"", S], ["psql -c \"create role r login password '§'\"", S],
  // formats
  ...[["Groq", `gsk_${mixed(52)}`], ["Stripe webhook", `whsec_${mixed(32)}`], ["Twilio", `SK${hex(32)}`], ["Mailgun", `key-${hex(32)}`], ["Square", `sq0atp-${mixed(22)}`], ["PyPI", `pypi-${mixed(80)}`], ["Slack app", `xapp-1-A0-${mixed(30)}`], ["Slack cookie", `xoxd-${mixed(40)}`],
    ["Telegram", `123456789:AA${mixed(33)}`], ["Atlassian", `ATATT3${mixed(60)}`], ["Notion", `ntn_${mixed(46)}`], ["Notion old", `secret_${mixed(43)}`], ["Linear", `lin_api_${mixed(40)}`], ["Doppler", `dp.pt.${mixed(43)}`], ["PlanetScale", `pscale_tkn_${mixed(43)}`], ["Fly", `FlyV1 fm2_${mixed(60)}`],
    ["Databricks", `dapi${hex(32)}`], ["Terraform Cloud", `${mixed(14)}.atlasv1.${mixed(62)}`], ["Grafana", `glsa_${mixed(32)}_${hex(8)}`], ["New Relic", `NRAK-${upper(27)}`], ["Sentry", `sntrys_${mixed(60)}`], ["Supabase", `sbp_${hex(40)}`], ["Docker", `dckr_pat_${mixed(27)}`], ["Replicate", `r8_${mixed(37)}`],
    ["Perplexity", `pplx-${mixed(48)}`], ["xAI", `xai-${mixed(80)}`], ["Tailscale", `tskey-auth-${mixed(12)}-${mixed(32)}`], ["Age", `AGE-SECRET-KEY-1${upper(58)}`], ["Shopify", `shpat_${hex(32)}`], ["Google OAuth", `GOCSPX-${mixed(28)}`], ["Google refresh", `1//0${mixed(60)}`], ["SendGrid", `SG.${mixed(22)}.${mixed(43)}`],
    ["Vault batch", `hvb.${mixed(90)}`], ["GitLab runner", `glrt-${mixed(20)}`], ["Hugging Face", `hf_${mixed(34)}`], ["RubyGems", `rubygems_${hex(48)}`], ["Postman", `PMAK-${hex(24)}-${hex(34)}`], ["Airtable", `pat${mixed(14)}.${hex(64)}`], ["Figma", `figd_${mixed(40)}`], ["Contentful", `CFPAT-${mixed(43)}`]]
    .map(([, secret]): readonly [string, string] => ["some-tool run § now", secret ?? ""]),
];

test("the corpus is as large as it is said to be", () => {
  expect(SHAPES.length).toBeGreaterThanOrEqual(150);
  expect(new Set(SHAPES.map(([line, secret]) => `${line} ${secret}`)).size).toBe(SHAPES.length);
  expect(HARMLESS.length + EXAMPLES.length).toBeGreaterThanOrEqual(500);
});

test.each(SHAPES)("caught: %s", (line, secret) => {
  const whole = line.replace("§", () => secret);
  const result = redact(whole, { mark: () => "MARK" });
  expect(result.text).not.toContain(secret);
  expect(result.text).toContain("[redacted:MARK]");
  expect(redact(result.text)).toEqual({ text: result.text, found: 0 });
  // What stays still reads as the command that it was.
  expect(result.text.startsWith(line.slice(0, Math.min(line.indexOf("§"), line.indexOf(" ") + 1)))).toBe(true);
});

const HARMLESS: readonly string[] = [
  "mongosh --port 27017 db", "mongodump -d app -o out", "mongo --eval 'db.stats()'", "cqlsh -k app -f schema.cql", "sqlcmd -S db -E -Q 'select 1'", "sqlite3 app.db 'select password from users limit 1'",
  "sqlplus /nolog", "psql -c 'select 1' -h db -p 5432", "psql -c 'alter table users add column password text'", "psql -c \"update users set password_reset_at = now()\"", "mysql -e 'show databases' -u root",
  "mysql -e \"create user me identified with auth_socket\"", "pg_dump -Fc -p 5433 app > app.dump", "redis-cli -h h -p 6379 set a b", "etcdctl get --prefix /registry", "rabbitmqctl list_users",
  "rabbitmqctl delete_user app", "kafka-topics.sh --list --bootstrap-server b:9092", "influx query 'from(bucket:\"a\")'", "smbclient -L h -N", "smbclient //h/share -U me -c ls", "lftp -u me ftp.example.org",
  "xfreerdp /v:h /u:me /cert:ignore", "ipmitool -I lan -H h power status", "snmpwalk -v2c -c public h system", "kinit -k -t /etc/krb5.keytab host/h", "useradd -m -s /bin/bash me", "usermod -aG docker me",
  "net use", "net user", "passwd -l me", "su - app -c 'ls'", "cat <<< 'some text to read'", "bc <<< '2+2'", "grep -c x <<< \"$lines\"", "jq . <<< '{\"a\": 1}'", "read -r a b <<< \"1 2\"",
  "base64 -d <<< aGVsbG8gd29ybGQK", "wc -w <<< 'how many words'", "wrangler deploy --env staging", "wrangler secret list", "fly secrets list", "fly secrets unset OLD", "fly deploy --build-arg VERSION=1.2.3",
  "heroku config:set RAILS_ENV=production -a app", "gh variable list", "gh secret delete OLD", "kubectl create secret tls t --cert=a.crt --key=a.key",
  "kubectl create secret generic s --from-env-file=.env.local", "kubectl create configmap c --from-literal=mode=fast", "kubectl get secret s -o jsonpath='{.data.password}'", "docker secret ls",
  "docker secret create s ./file", "docker run -e MODE=fast -e PORT=80 img", "docker run -P img", "podman login --get-login", "skopeo inspect docker://docker.io/library/alpine:3.20", "buildah bud -t app:1 .",
  "vault status", "vault operator init -status", "vault kv list secret/", "consul kv get app/mode", "consul kv put app/mode fast", "bw list items", "bw login --check", "op item list --vault team",
  "aws ssm put-parameter --name /a --type String --value fast", "aws ssm get-parameter --name /a --with-decryption", "aws secretsmanager list-secrets", "aws iam list-access-keys", "aws sts get-caller-identity",
  "aws s3 cp a s3://b/k --sse aws:kms", "az account show", "az keyvault secret show --name s --vault-name v", "gcloud auth list", "gcloud config set project p",
  "doctl auth list", "terraform apply -var region=eu -var 'size=small'", "terraform output -json", "pulumi config set region eu",
  "pulumi config get dbPassword", "ansible-playbook site.yml -e env=prod --ask-become-pass", "helm upgrade a c --set image.tag=1.2.3 --set replicas=2", "cargo login --help", "cargo add tokio serde",
  "cargo test token_bucket", "npm config get registry", "npm view left-pad dist.shasum", "npm install passport-jwt @types/jsonwebtoken", "yarn add cookie-parser", "poetry config virtualenvs.in-project true",
  "poetry config --list", "twine check dist/*", "gem push --help", "dotnet nuget list source", "dotnet nuget push p.nupkg --source r", "codecov --help", "composer config platform.php 8.3",
  "mvn -Dtest=TokenTest test", "gradle test --tests '*PasswordTest'", "go test ./auth/... -run 'TestLogin|TestToken'", "pytest -k 'token and not slow' -p no:cacheprovider", "pytest tests/test_secrets.py -v",
  "python3 -m pytest --cov=auth tests", "python3 -c 'print(\"password\".upper())'", "python3 -c \"from getpass import getpass; p = getpass()\"",
  "python3 -c \"import json; d = json.load(open('a.json')); print(d['token'])\"", "python3 -c \"key = 'name'; print(key)\"", "python3 -c \"requests.get(u, auth=(user, pw))\"",
  "node -e \"const { token } = require('./config'); console.log(typeof token)\"", "node -e \"if (token === 'x') process.exit(1)\"", "node -e \"fetch(u, { headers: { authorization: `Bearer ${t}` } })\"",
  "ruby -e 'puts ENV[\"API_KEY\"].nil?'", "php -r 'echo password_hash($argv[1], PASSWORD_DEFAULT);'", "perl -ne 'print if /password/i' access.log", "awk '/token/ { print $3 }' log",
  "sed -i 's/token_ttl: 60/token_ttl: 120/' c.yml", "sed -n '/BEGIN CERTIFICATE/,/END CERTIFICATE/p' chain.pem", "grep -rn \"TOKEN\" --include=*.ts src | head", "grep -n 'secret' .gitignore",
  "grep -rn \"password'\" app/models", "rg -n 'api[_-]?key' src", "rg \"Authorization: Bearer\" src", "git log --grep='token' --oneline", "git log -S'api_key' --oneline",
  "git commit -m \"store tokens hashed, not plain\"", "git commit -m \"password: require 12 characters\"", "git commit -m 'fix: secret rotation (closes #12)'", "git commit -am \"auth = on by default\"",
  "git show 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567", "git diff HEAD~1 -- src/token.ts", "git push origin feature/api-key-rotation", "git tag -a v1.2.3 -m 'secrets out of the image'",
  "git config --global credential.helper store", "git config --get remote.origin.url", "git stash push -m 'wip token refresh'", "ssh -p 2222 me@h uptime", "scp -P 2222 f me@h:",
  "rsync -az -e 'ssh -p 2222' a/ h:b/", "curl -sSL https://example.org/install.sh -o install.sh", "curl -A 'test-agent/1.0 (linux)' http://h", "curl -A agent:x http://h",
  "curl -b cookies.txt -c cookies.txt http://h", "curl -d @body.json http://h/auth/token", "curl -d 'grant_type=client_credentials' http://h/token",
  "curl -H 'X-Request-Id: 0a1b2c3d-4e5f-6a7b-8c9d-0e1f2a3b4c5d' http://h", "curl -H 'If-None-Match: \"33a64df551425fcc55e4d42a148795d9f25f89d4\"' http://h", "curl -H 'Idempotency-Key: $(uuidgen)' http://h",
  "curl -H \"X-Api-Key: $KEY\" http://h", "curl 'http://h/search?q=token&sort=asc&key=name'", "curl 'http://h/page?code=200&signature=none'", "curl http://127.0.0.1:3000/api/auth/session",
  "wget -q -O - http://h/robots.txt", "http GET h/users page==2", "ab -n 100 -c 10 http://h/", "ab -A", "openssl x509 -in cert.pem -noout -dates", "openssl s_client -connect h:443", "openssl dgst -sha256 file",
  "openssl genpkey -algorithm ed25519 -out key.pem", "gpg --list-secret-keys", "gpg --passphrase-file p -d f.gpg", "ssh-keygen -lf id.pub", "ssh-add -l", "md5sum a b", "sha256sum -c SUMS",
  "echo 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'", "echo \"no password set\"", "echo \"Token expired\" >&2", "echo yes | apt-get install x",
  "echo 3 | sudo tee /proc/sys/vm/drop_caches", "echo \"hello\" | docker run -i img", "printf 'name=%s\\n' \"$n\"", "printf '%s:%s\\n' user group",
  "cat > a.ts <<E\nexport type Login = { user: string; password: string };\nE", "cat > a.ts <<E\nfunction check(token: string): boolean { return token.length > 0; }\nE",
  "cat > a.py <<E\npassword = os.environ[\"PASSWORD\"]\ntoken = get_token(user)\nE", "cat > a.py <<E\nself.token = token\nsecret = None\nE",
  "cat > a.go <<E\ntoken := r.Header.Get(\"X-Token\")\nif token == \"\" { return }\nE", "cat > a.rs <<E\nlet password = read_password()?;\nE", "cat > a.java <<E\nString password = config.getPassword();\nE",
  "cat > c.ini <<E\n[auth]\nenabled = true\ntoken_ttl = 3600\nE", "cat > c.toml <<E\ntoken_file = \"/run/secrets/token\"\nE", "cat > c.yml <<E\nsecretName: app-tls\npasswordSecretRef:\n  name: db\nE",
  "cat > D <<E\nENV NODE_ENV production\nARG VERSION=1\nE", "cat > s.xml <<E\n<user>me</user><timeout>5</timeout>\nE", "cat > README.md <<E\nSet API_KEY to your key.\nE",
  "cat > .env.example <<E\nAPI_KEY=\nDB_PASSWORD=<your password>\nE", "docker compose -f dev.yml up -d db", "docker pull r.example/app@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  "docker build --build-arg NODE_VERSION=24 -t app .", "make test TOKENS=12", "tar xf a.tar.gz -C out", "find . -name '*.key' -newer a", "ls -la ~/.ssh", "stat -c %a .env", "chmod 600 .env", "direnv allow",
  "age -r age1qqqq -o a.age a", "sops -d secrets.enc.yml", "ng generate component password-reset", "rails generate model ApiToken user:references", "rails db:migrate VERSION=20260101000000",
  "flask --app app routes", "uvicorn app:api --port 8000", "tmux new -s token-work", "journalctl -u sshd -n 50", "systemctl status sssd", "id me", "getent passwd me", "cut -d: -f1 /etc/passwd",
  "uuidgen | tr -d -", "date +%s%N", "seq 1 20",
];

/** Examples of our rules: lines as agents write them. */
const EXAMPLES: readonly string[] = (() => {
  const found = new Set<string>();
  const collect = (value: unknown, key: string): void => {
    if (typeof value === "string" && /^(?:match|not_match|instead)$/.test(key)) found.add(value);
    else if (Array.isArray(value)) for (const item of value) collect(item, key);
    else if (typeof value === "object" && value !== null) for (const [name, member] of Object.entries(value)) collect(member, name);
  };
  for (const file of readdirSync("rules", { recursive: true, encoding: "utf8" })) if (file.endsWith(".toml")) collect(parse(readFileSync(join("rules", file), "utf8")), "");
  return [...found];
})();

test("no line without a secret is changed", () => {
  const changed = [...HARMLESS, ...EXAMPLES].map((line) => ({ line, text: redact(line).text })).filter(({ line, text }) => line !== text);
  expect(changed).toEqual([]);
});
