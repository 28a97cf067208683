import { createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { redact, redactWords } from "../../src/model/index.ts";

const S = "hunter2!Zq9";
const hex = (length: number): string => "0a1b2c3d4e5f6a7b".repeat(9).slice(0, length);
const mixed = (length: number): string => "aB3dE5gH7jK9mN1p".repeat(9).slice(0, length);
/** Token formats are put together here, so that no scanner takes this file for a leak. */
const token = (prefix: string, length: number): string => prefix + mixed(length);
const jwt = ["eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxMjM0NTY3ODkwIn0", mixed(43)].join(".");
const pem = (kind: string): readonly [string, string] => [`-----BEGIN ${kind}PRIVATE KEY-----`, `-----END ${kind}PRIVATE KEY-----`];

/** Left: a line with one secret. Right: the secret itself. */
const SECRETS: readonly (readonly [string, string])[] = [
  // assignments
  [`PASSWORD=${S} ./deploy`, S], [`export DB_PASSWORD='${S}'`, S], [`PGPASSWORD="${S}" psql -h db`, S], [`MYSQL_PWD=${S} mysql db`, S], [`API_KEY=${S} make`, S], [`api_key=${S}`, S],
  [`env GITHUB_TOKEN=${S} gh pr list`, S], [`docker run -e SECRET_KEY=${S} img`, S], [`docker run --env=AUTH_TOKEN=${S} img`, S], [`AWS_SECRET_ACCESS_KEY=${S} aws s3 ls`, S],
  [`export CLIENT_SECRET=${S}; x`, S], [`SSH_PASSPHRASE=${S} y`, S], [`SENTRY_DSN=${S} run`, S], [`declare -x NPM_TOKEN=${S}`, S], [`CONNECTION_STRING="Server=x;Pwd=${S}"`, `Server=x;Pwd=${S}`],
  [`SECRET_KEY_BASE=${S} rails s`, S], [`DB_PASSWORD_PROD=${S} x`, S], [`password=${S}`, S], [`ENCRYPTION_KEY=${S} node .`, S], [`PRIVATE_KEY=${S} hardhat`, S], [`TOKEN+=${S}`, S], [`BEARER=${S} x`, S],
  [`kubectl create secret generic s --from-literal=password=${S}`, S], [`java -Djavax.net.ssl.keyStorePassword=${S} -jar a.jar`, S], [`curl "http://h/x?user=a&token=${S}"`, S], [`curl -d 'user=a&password=${S}' http://h`, S],
  [`PASSWORD='$notAReference' x`, "$notAReference"],
  // flags
  [`tool --password ${S}`, S], [`tool --password=${S}`, S], [`tool --password="${S} with blanks"`, `${S} with blanks`], [`tool --api-key ${S} run`, S], [`tool --token '${S}'`, S], [`x -password ${S}`, S],
  [`gh auth login --token=${S}`, S], [`cargo publish --token ${S}`, S], [`az login --client-secret ${S}`, S], [`helm install --set db.password=${S} c`, S], [`vault login -token=${S}`, S], [`twine upload --username u --password ${S}`, S],
  // headers
  [`curl -H "Authorization: Bearer ${mixed(30)}" http://h`, mixed(30)], [`curl -H 'Authorization: Basic dXNlcjpwYXNz' http://h`, "dXNlcjpwYXNz"], [`curl -H "authorization: token ${S}" http://h`, S],
  [`curl -H "Proxy-Authorization: Basic ${S}" http://h`, S], [`curl --header="Authorization: ${S}" http://h`, S], [`curl -H "X-Api-Key: ${S}" http://h`, S], [`curl -H 'PRIVATE-TOKEN: ${S}' http://h`, S],
  [`curl -H "X-Vault-Token: ${S}" http://h`, S], [`curl -H "Cookie: session=${S}; a=b" http://h`, `session=${S}; a=b`], [`curl -b "sid=${S}" http://h`, `sid=${S}`], [`http GET h api-key:${S}`, S],
  [`wget --header="Authorization: Bearer ${mixed(24)}" u`, mixed(24)], [`git -c http.extraheader="AUTHORIZATION: bearer ${mixed(20)}" fetch`, mixed(20)],
  // URLs
  [`git clone https://user:${S}@example.org/r.git`, S], [`psql postgres://u:${S}@db:5432/app`, S], [`redis-cli -u redis://:${S}@h:6379`, S], [`git push https://${mixed(36)}@example.org/r`, mixed(36)], [`DATABASE_URL=mysql://r:${S}@h/d x`, S],
  // tools
  [`curl -u user:${S} http://h`, S], [`curl --user "user:${S}" http://h`, S], [`curl -H "Accept: a; q=1" -u user:${S} http://h`, S], [`mysql -u root -p${S} db`, S], [`mysqldump -p'${S}' db`, S], [`sshpass -p ${S} ssh h`, S], [`sshpass -p${S} ssh h`, S],
  [`docker login -u u -p ${S} r.example`, S], [`redis-cli -h h -a ${S} ping`, S], [`7z x -p${S} a.7z`, S], [`unzip -P ${S} a.zip`, S], [`openssl enc -d -pass pass:${S} -in x`, S], [`openssl rsa -passin pass:${S}`, S], [`ldapsearch -D cn=a -w ${S}`, S],
  [`htpasswd -bc file user ${S}`, S], [`echo ${S} | sudo -S apt update`, S], [`echo "${S}" | docker login -u u --password-stdin`, S], [`printf '${S}' | gh auth login --with-token`, S], [`gh secret set API_KEY --body "${S}"`, S],
  [`aws configure set aws_secret_access_key ${S}`, S], [`npm config set //r.example/:_authToken ${S}`, S], [`http -a user:${S} h`, S],
  // files and bodies
  [`curl -d '{"password": "${S}"}' http://h`, S], [`curl -d "{\\"apiKey\\":\\"${S}\\"}" http://h`, S], [`cat > x <<E\n{ "client_secret" : "${S}" }\nE`, S], [`cat > x <<E\npassword: ${S}\nE`, S], [`cat > x <<E\n  db:\n    password: "${S}"\nE`, S],
  [`python -c "x = {'token': '${S}'}"`, S],
  [`cat > k <<E\n${pem("RSA ").join(`\n${mixed(64)}\n`)}\nE`, pem("RSA ").join(`\n${mixed(64)}\n`)], [`echo '${pem("")[0]}\\n${mixed(40)}`, `${pem("")[0]}\\n${mixed(40)}`], [`x '${pem("OPENSSH ").join(mixed(64))}'`, pem("OPENSSH ").join(mixed(64))],
  // formats
  ...[token("ghp_", 36), token("gho_", 36), token("github_pat_", 60), token("glpat-", 20), token("sk-", 48), token("sk-proj-", 60), token("sk-ant-api03-", 60), token("xoxb-", 40), `AKIA${mixed(16).toUpperCase()}`, `ASIA${mixed(16).toUpperCase()}`,
    token("AIza", 35), token("npm_", 36), jwt, token("hf_", 34), `dop_v1_${hex(64)}`, token("sk_live_", 24), token("hvs.", 24), token("pypi-", 60), `SG.${mixed(22)}.${mixed(43)}`, `1234567890:AA${mixed(33)}`]
    .map((secret) => [`curl http://h/${"" /* in a place without a name */} ${secret} x`, secret] as const),
  [`curl -X POST https://hooks.slack.com/services/T000/B000/${mixed(24)}`, `T000/B000/${mixed(24)}`], [`curl https://discord.com/api/webhooks/123456/${mixed(40)}`, `123456/${mixed(40)}`],
];

test("there are enough of them", () => {
  expect(SECRETS.length).toBeGreaterThanOrEqual(100);
  expect(HARMLESS.length).toBeGreaterThanOrEqual(120);
});

test.each(SECRETS)("caught: %s", (line, secret) => {
  const result = redact(line, { mark: () => "MARK" });
  expect(result.found).toBe(1);
  expect(result.text).toBe(line.replace(secret, () => "[redacted:MARK]"));
  expect(redact(result.text)).toEqual({ text: result.text, found: 0 });
});

const HARMLESS: readonly string[] = [
  `git commit -m "fix token refresh"`, `pytest -k test_password_reset`, `echo $GITHUB_TOKEN | gh auth login --with-token`, `TOKEN=$(cat /run/secret) ./deploy`, 'TOKEN=`cat x` ./deploy', `PASSWORD="$DB_PASSWORD" ./x`,
  `PASSWORD=\${DB_PASSWORD} ./x`, `git commit -m "auth: fix login"`, `git commit -m "cookie: set the path"`, `git commit -m "authorization: check scopes"`, `git log --author=anna`, `AUTHOR=anna make`, `GIT_AUTHOR_NAME=anna git commit`,
  `MAX_TOKENS=100 node x`, `TOKENIZERS_PARALLELISM=false python t.py`, `SSH_AUTH_SOCK=/tmp/agent ssh-add -l`, `PASSWORD_FILE=/run/secrets/p x`, `docker run -u 1000:1000 img`, `docker run --user 1000:1000 img`, `chown user:group file`,
  `docker run -p 8080:80 img`, `mkdir -p a/b`, `cp -p a b`, `curl http://localhost:8080/x`, `curl -X POST http://h/token`, `curl -H "Accept: application/json" http://h`, `curl -H "Content-Type: text/plain; charset=utf-8" http://h`,
  `curl -H "Authorization: Bearer $TOKEN" http://h`, `curl -u "$USER:$PASS" http://h`, `curl -u user http://h`, `grep -rn "password=" src`, `grep -r 'api_key=' . --include='*.py'`, `rg "token: string" src`, `grep -n password config.py`,
  `sed 's/password=.*/password=/' f`, `sed -n '/secret=/p' f`, `awk -F= '/token=/{print $2}' f`, `kubectl get secret db`, `kubectl get secrets -n prod`, `kubectl create secret generic s --from-file=p.txt`, `docker build --secret id=npm,src=.npmrc .`,
  `gh secret list`, `gh secret set TOKEN < file`, `docker login --password-stdin -u u < p`, `npm token list`, `npm config set registry http://127.0.0.1:4873`, `vault token lookup`, `vault kv get secret/app`, `pass show mail/token`, `passwd --status anna`,
  `openssl rand -hex 32`, `openssl req -new -key server.key -out x.csr`, `openssl enc -d -pass env:PASS -in x`, `ssh -i ~/.ssh/id_ed25519 user@host`, `ssh-keygen -t ed25519 -f key`, `git clone https://github.com/a/b.git`, `git clone git@github.com:a/b.git`,
  `git clone ssh://git@example.org:2222/a/b`, `git remote add origin https://example.org/a/b`, `git config user.email a@b.example`, `git add secrets.md notes.md`, `git checkout -b feature/token-rotation`, `git rev-parse ${"0a1b2c3d4e".repeat(4)}`,
  `python -c "print(token)"`, `python -c "token = get_token()"`, `python -c "import secrets; secrets.token_hex(8)"`, `node -e "auth(req, res)"`, `node -e "const password = process.env.PASSWORD"`, `pytest tests/test_auth.py::test_token -x`,
  `npm run test -- --grep "password reset"`, `npm i jsonwebtoken bcrypt passport`, `pip install python-dotenv oauthlib`, `pip install sk-learn-contrib-something-nice`, `cargo add secrecy`, `go test -run TestTokenRefresh ./auth`, `ls -la ~/.aws/credentials`,
  `cat .env.example`, `cat src/auth/token.ts`, `vim password_reset.html`, `rm -f secrets.tmp`, `find . -name '*token*'`, `find . -name "*.pem"`, `tar -czf auth.tgz src/auth`, `wc -l tokens.txt`, `head -c 32 /dev/urandom | base64`,
  `echo "enter password:"`, `echo 'token' | tr a-z A-Z`, `echo hello | sudo tee /etc/x`, `printf '%s\\n' "$TOKEN" | docker login --password-stdin`, `read -s -p "Password: " PW`, `read -sp 'Token: ' TOKEN`, `test -n "$API_KEY" && echo set`,
  `[ -z "$TOKEN" ] && exit 1`, `if [ "$token" == "x" ]; then :; fi`, `unset PASSWORD TOKEN`, `export -n TOKEN`, `env | grep -i token`, `printenv API_KEY`, `: "\${TOKEN:?missing}"`, `TOKEN= ./run`, `TOKEN="" ./run`, `PASSWORD=<your password> x`,
  `aws sts get-session-token`, `aws secretsmanager get-secret-value --secret-id prod/db`, `gcloud auth print-access-token`, `gcloud secrets list`, `az account get-access-token`, `heroku config:get API_KEY`, `terraform plan -var-file=secrets.tfvars`,
  `ansible-playbook -K site.yml`, `ansible-vault view secrets.yml`, `jq '.token' x.json`, `jq -r .access_token x.json`, `yq '.password' x.yml`, `cat > t.ts <<E\ninterface A { password: string; token: string }\nE`, `cat > t.py <<E\ndef f(password: str): pass\nE`,
  `cat > x.json <<E\n{ "tokens": 12, "author": "anna", "auth": true }\nE`, `cat > x.yml <<E\ntoken: $TOKEN\npassword: \${{ secrets.P }}\nE`, `mysql -u root -p db`, `mysql --protocol=tcp db`, `psql -h db -U app -p 5432`, `redis-cli -p 6379 ping`, `zip -r a.zip src`,
  `unzip -o a.zip -d out`, `7z a x.7z src`, `PWD=/tmp pwd`, `OLDPWD=/ cd -`, `uuidgen`, `sha256sum a`, `base64 -d x`, `AUTH_ENABLED=true x`, `USE_TOKEN=false x`, `REQUIRE_AUTH=true x`, `KEY=value x`, `MONKEY=banana x`, `COMPASS=north x`, `BYPASS=1 x`, `keyboard=us x`,
  `ssh -o PreferredAuthentications=publickey h`, `rsync --password-file=/etc/p a b::c`, `wget --no-auth-no-challenge http://h`, `curl --oauth2-bearer "$T" http://h`, `curl "http://h/?page_token=$next"`, `http GET h Accept:text/plain`, `make deploy ENV=prod`,
];

test.each(HARMLESS)("untouched: %s", (line) => {
  expect(redact(line)).toEqual({ text: line, found: 0 });
});

test("equal secrets get equal marks, other secrets other ones, wherever they stand", () => {
  const mark = (secret: string): string => createHmac("sha256", "key").update(secret).digest("hex").slice(0, 8);
  const { text, found } = redact(`TOKEN=${S} x; y --token "${S}"; z --token other1`, { mark });
  expect(found).toBe(3);
  expect(text).toBe(`TOKEN=[redacted:${mark(S)}] x; y --token "[redacted:${mark(S)}]"; z --token [redacted:${mark("other1")}]`);
});

test.each([
  [["deploy", "--password", "my pass"], ["deploy", "--password", "[redacted]"]],
  [["deploy", "--password=my pass"], ["deploy", "--password=[redacted]"]],
  [["env", "TOKEN=a b", "x"], ["env", "TOKEN=[redacted]", "x"]],
  [["x", "--token", "--verbose"], ["x", "--token", "--verbose"]],
  [["x", "--token", "$TOKEN"], ["x", "--token", "$TOKEN"]],
  [["bash", "-c", `x; TOKEN=${S} y`], ["bash", "-c", "x; TOKEN=[redacted] y"]],
])("words of an argument list: %j", (words, clean) => {
  expect(redactWords(words).words).toEqual(clean);
});

test("any text: no throw, twice is once, and what is not found is not changed", () => {
  const pieces = fc.constantFrom(...SECRETS.map(([line]) => line), ...HARMLESS, "\n", "'", '"', "=", "token=", "$(", " -p", "curl ", ":", "@", "\\", "-----BEGIN PRIVATE KEY-----");
  fc.assert(fc.property(fc.array(fc.oneof(pieces, fc.string({ unit: "binary" })), { maxLength: 12 }), (parts) => {
    const text = parts.join("");
    const once = redact(text);
    if (once.found === 0) expect(once.text).toBe(text);
    expect(redact(once.text).text).toBe(once.text);
  }), { numRuns: 300 });
});

test.each([
  ["a", ""], ["token=", ""], ["token=$", ""], ["a=b", ""], ["://", ""], ["a://b:c", ""], ["-", ""], ["--token ", ""], [" -u a:", "curl"], ['"token": "', ""], ["'token':'", ""], ["echo ", ""], ["-----BEGIN PRIVATE KEY-----", ""], [" set ", ""],
  ["eyJaaaaaaaaaa.", ""], ["htpasswd -b ", ""], ["Authorization: ", ""], ["\n", ""], [" ", "token"], ["password=", "'"], ['TOKEN="$', ""],
])("time grows with the length, not with its square: %j repeated", (piece, head) => {
  const text = head + piece.repeat(Math.ceil(160_000 / piece.length));
  const start = performance.now();
  redact(text);
  // Linear: some tens of milliseconds. A square would be minutes.
  expect(performance.now() - start).toBeLessThan(5_000);
});
