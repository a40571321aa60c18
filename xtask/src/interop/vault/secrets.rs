//! What both servers find in the Vault.

use super::Vault;

/// May read the secrets of one application, and not what all share.
pub(super) const READER: &str = "reader-of-orders";

/// Values of all types, and keys that need care.
const EVERYTHING: &str = r#"{
    "who": "orders", "b": true, "f": 1.50, "e": 1e5, "tiny": 0.00001, "large": 12345678.9, "big": 123456789012345678901234567890,
    "long": 9999999999, "minus": -0, "null": null, "yes": "yes", "octal": "012", "date": "2020-01-01", "reference": "${who}",
    "list": [1, "two", {"k": "v", "l": []}, [3]], "map": {"x": {"y": "z"}}, "none": {}, "empty": [], "dotted.key": "d",
    "deep": {"a.b": {"[c]": 1}}, "[b]": "b", "sl/ash": "s", "sp ace": "x  y ", "uni": "\u00e9\ud83d\ude00", "html": "<a&b>",
    "lines": "a\nb\tc \"q\" \\", "": "nameless", "Z": 1, "_": 2
}"#;

const SECRETS: [(&str, &str); 13] = [
    (
        "application",
        r#"{"who":"shared","shared.only":"yes","z":"1","a":"2"}"#,
    ),
    ("application,dev", r#"{"who":"shared-dev","n":5}"#),
    ("orders", EVERYTHING),
    ("orders,dev", r#"{"who":"orders-dev"}"#),
    ("orders,qa", r#"{"who":"orders-qa"}"#),
    ("orders,default", r#"{"who":"nobody asks for this"}"#),
    ("orders-dev-main", r#"{"who":"orders-dev-main"}"#),
    ("orders-default-main", r#"{"who":"orders-default-main"}"#),
    (
        "application-default-v1",
        r#"{"who":"application-default-v1"}"#,
    ),
    ("empty", r#"{"x":{}}"#),
    ("a/b", r#"{"who":"nested"}"#),
    ("team/orders", r#"{"who":"team-orders"}"#),
    ("team/application,dev", r#"{"who":"team-shared-dev"}"#),
];

/// Mounts both engines and fills them alike.
pub(super) fn keep(vault: &Vault) -> anyhow::Result<()> {
    for (mount, version) in [("one", 1), ("two", 2)] {
        let options = format!(r#"{{"type":"kv","options":{{"version":"{version}"}}}}"#);
        vault.write(&format!("sys/mounts/{mount}"), &options)?;
    }
    for (path, values) in SECRETS {
        vault.write(&format!("one/{path}"), values)?;
        vault.write(
            &format!("two/data/{path}"),
            &format!(r#"{{"data":{values}}}"#),
        )?;
    }
    vault.write("two/data/deleted", r#"{"data":{"who":"was here"}}"#)?;
    vault.write("two/delete/deleted", r#"{"versions":[1]}"#)?;
    let policy = r#"{"policy":"path \"one/orders*\" { capabilities = [\"read\"] }"}"#;
    vault.write("sys/policies/acl/reader", policy)?;
    let token = format!(r#"{{"id":"{READER}","policies":["reader"]}}"#);
    vault.write("auth/token/create", &token)
}
