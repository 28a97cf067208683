/** Rules of a user for end-to-end tests: harmless words that stand for lines of each verdict. */
export const STAND_INS = `
[[rule]]
id = "stand-in-deny"
command = ["echo", "forbidden"]
decision = "deny"
reason = "stands for what is never allowed"
instead = "echo something else"
match = ["echo forbidden fruit"]
not_match = ["echo allowed"]

[[rule]]
id = "stand-in-ask"
command = ["touch", "asked*"]
decision = "ask"
reason = "stands for what a person must allow"
match = ["touch asked"]
not_match = ["touch other"]

[[rule]]
id = "stand-in-review"
command = ["touch", "reviewed*"]
decision = "review"
reason = "stands for what a reviewer should see"
match = ["touch reviewed"]
not_match = ["touch other"]
`;
