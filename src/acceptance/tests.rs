use std::{collections::BTreeMap, sync::Arc};

use confbus_protocol::{Application, CommitId, Profiles};
use confbus_resolution::{Blob, BlobId, Layout, RepoPath, resolve_files};

use super::*;
use crate::encryption::{Keys, SymmetricKey, Values};

/// What is wrong for `orders/dev`.
fn problems(settings: Settings, encryption: &Encryption, files: &[(&str, &str)]) -> Vec<String> {
    let blob = |number: usize, text: &str| {
        let id = BlobId([u8::try_from(number).unwrap(); 20]);
        Arc::new(Blob::new(id, text.as_bytes()))
    };
    let files: BTreeMap<_, _> = files
        .iter()
        .enumerate()
        .map(|(number, (path, text))| (RepoPath::parse(path).unwrap(), blob(number, text)))
        .collect();
    let snapshot = Snapshot::new(CommitId::from_bytes([1; 20]), files);
    let request = EnvironmentRequest {
        application: Application::parse("orders").unwrap(),
        profiles: Profiles::parse("dev").unwrap(),
        label: None,
    };
    let files = resolve_files(&snapshot, &Layout::default(), &request).unwrap();
    let acceptance = Acceptance::new(settings, encryption.clone());
    let checked = acceptance.check(&snapshot, &request, &files);
    let problems = checked.err().map(|error| error.problems().to_vec());
    let problems = problems.unwrap_or_default();
    problems.iter().map(ToString::to_string).collect()
}

fn under_schemas(files: &[(&str, &str)]) -> Vec<String> {
    problems(Settings::default(), &Encryption::default(), files)
}

const SCHEMA: &str = r#"{
    "type": "object",
    "required": ["pool"],
    "properties": {
        "pool": {
            "type": "object",
            "required": ["max"],
            "properties": {
                "max": {"type": "integer", "maximum": 32},
                "hosts": {"type": "array", "items": {"pattern": "^[a-z]+$"}}
            }
        },
        "fast": {"type": "boolean"}
    }
}"#;

#[test]
fn effective_configuration_is_held_against_schemas() {
    let schema = ("orders.schema.json", SCHEMA);
    let good = ("orders.yml", "pool:\n  max: 20\n  hosts: [a, b]");
    assert_eq!(under_schemas(&[schema, good]), [""; 0]);
    assert_eq!(
        under_schemas(&[
            schema,
            good,
            ("orders-dev.yml", "fast: no thanks\npool.max: 40")
        ]),
        [
            "orders-dev.yml:1:7: `fast`: value is not of type \"boolean\", says orders.schema.json",
            "orders-dev.yml:2:11: `pool.max`: value is greater than the maximum of 32, says orders.schema.json",
        ]
    );
    assert_eq!(
        under_schemas(&[schema, ("orders.yml", "pool:\n  hosts: [a, 'B 1']")]),
        [
            "orders.yml:2:11: `pool`: \"max\" is a required property, says orders.schema.json",
            "orders.yml:2:14: `pool.hosts[1]`: value does not match \"^[a-z]+$\", says orders.schema.json",
        ]
    );
    assert_eq!(
        under_schemas(&[schema, ("orders.yml", "a: 1")]),
        ["orders.yml: \"pool\" is a required property, says orders.schema.json"]
    );
}

#[test]
fn schemas_stand_beside_files_or_in_a_folder_of_their_own() {
    let bad = ("orders.yml", "fast: 1\npool.max: 1");
    let check = |path: &str| under_schemas(&[(path, SCHEMA), bad]).len();
    for counts in [
        "orders.schema.json",
        "application.schema.json",
        "confbus/schemas/orders.schema.json",
        "confbus/schemas/application.schema.json",
    ] {
        assert_eq!(check(counts), 1, "{counts}");
    }
    for other in [
        "payments.schema.json",
        "elsewhere/orders.schema.json",
        "orders.json",
    ] {
        assert_eq!(check(other), 0, "{other}");
    }
}

#[test]
fn texts_count_as_the_numbers_they_are_bound_as() {
    let schema = ("orders.schema.json", SCHEMA);
    let good = "pool.max=20\nfast=true";
    assert_eq!(
        under_schemas(&[schema, ("orders.properties", good)]),
        [""; 0]
    );
    assert_eq!(
        under_schemas(&[schema, ("orders.properties", "pool.max=many\nfast=true")]).len(),
        1
    );
}

#[test]
fn what_only_the_application_knows_is_left_to_it() {
    let schema = ("orders.schema.json", SCHEMA);
    assert_eq!(
        under_schemas(&[schema, ("orders.yml", "pool.max: ${POOL_MAX}")]),
        [""; 0]
    );
    assert_eq!(
        under_schemas(&[schema, ("orders.yml", "most: 40\npool.max: ${most}")]).len(),
        1
    );
}

#[test]
fn a_file_that_is_no_schema_is_named() {
    let file = ("orders.yml", "pool.max: 1");
    assert_eq!(
        under_schemas(&[("orders.schema.json", "{\n  \"type\": }"), file]),
        ["orders.schema.json:2:11: the schema is not JSON"]
    );
    let told = under_schemas(&[("orders.schema.json", r#"{"type": 7}"#), file]);
    assert!(
        told[0].starts_with("orders.schema.json: this is no JSON Schema"),
        "{told:?}"
    );
    let told = under_schemas(&[
        ("orders.schema.json", r#"{"$ref": "http://127.0.0.1:9/x"}"#),
        file,
    ]);
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn no_problem_names_a_value() {
    let secret = "hunter2";
    let schema = r#"{"properties": {"pool": {"type": "integer"}, "password": {"maxLength": 3, "enum": ["x"]}}}"#;
    let told = under_schemas(&[
        ("orders.schema.json", schema),
        ("orders.yml", "pool: hunter2\npassword: hunter2"),
    ]);
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(
        !told.iter().any(|problem| problem.contains(secret)),
        "{told:?}"
    );
}

#[test]
fn placeholders_lead_somewhere_if_that_is_asked_for() {
    let files = [(
        "orders.yml",
        "a: ${b}\nb: ${c:3}\nd: ${HOME}/x\ne: ${nowhere.x}\nf: ${f}\ng: '\\${g1}'",
    )];
    assert_eq!(under_schemas(&files), [""; 0]);
    let settings = Settings {
        placeholders: true,
        known_placeholders: vec!["HO*".to_owned()],
        ..Settings::default()
    };
    assert_eq!(
        problems(settings, &Encryption::default(), &files),
        [
            "orders.yml:4:4: `e` refers to `nowhere.x`, which is nowhere and has no default",
            "orders.yml:5:4: `f`: the placeholder `f` leads back to itself",
        ]
    );
}

#[test]
fn no_key_is_named_that_is_made_of_a_value() {
    let text =
        "password: hunter2\na: ${p.${password}}\nb: ${p.${c}}\nc: x\nd.hunter2: ${d.${password}}";
    let settings = Settings {
        placeholders: true,
        ..Settings::default()
    };
    let put_together = "a key that is put together from values";
    assert_eq!(
        problems(settings, &Encryption::default(), &[("orders.yml", text)]),
        [
            format!(
                "orders.yml:2:4: `a` refers to {put_together}, which is nowhere and has no default"
            ),
            format!(
                "orders.yml:3:4: `b` refers to {put_together}, which is nowhere and has no default"
            ),
            format!("orders.yml:5:12: `d.hunter2`: {put_together} leads back to itself"),
        ]
    );
}

#[test]
fn values_can_be_decrypted_if_that_is_asked_for() {
    let key = SymmetricKey::new("a pass phrase", b"a salt");
    let encryption = Encryption::new(Keys::Symmetric(key), Values::Decrypted);
    let good = encryption.encrypt("7").unwrap();
    let text = format!("good: '{{cipher}}{good}'\nbad: '{{cipher}}00{good}'");
    let files = [("orders.yml", text.as_str())];
    assert_eq!(problems(Settings::default(), &encryption, &files), [""; 0]);
    let settings = Settings {
        ciphers: true,
        ..Settings::default()
    };
    let told = problems(settings, &encryption, &files);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("orders.yml:2:6: `bad` cannot be decrypted: "),
        "{told:?}"
    );
    // Schemas see what is in them.
    let schema = r#"{"properties": {"good": {"const": "8"}}}"#;
    let told = problems(
        Settings::default(),
        &encryption,
        &[files[0], ("orders.schema.json", schema)],
    );
    assert_eq!(told.len(), 1, "{told:?}");
}
