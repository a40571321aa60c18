//! The published schemas, and what holds them to what the program says.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use jsonschema::Validator;
use regex::Regex;
use serde_json::{Value, json};

/// By the name that a document bears.
static SCHEMAS: LazyLock<BTreeMap<String, Schema>> = LazyLock::new(|| {
    let published = files().into_iter();
    published
        .map(|(name, text)| (name, Schema::of(text)))
        .collect()
});

static NAME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"confbus\.[a-z]+/[0-9]+").unwrap());

struct Schema {
    published: Validator,
    /// The same, for documents that have no other members than it names.
    closed: Validator,
}

impl Schema {
    fn of(schema: Value) -> Self {
        let mut closed = schema.clone();
        close(&mut closed);
        let validator = |schema: &Value| {
            let options = jsonschema::options().should_validate_formats(true);
            options.build(schema).unwrap()
        };
        Self {
            published: validator(&schema),
            closed: validator(&closed),
        }
    }
}

/// Others may gain members; ours have those alone that are described.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(close);
            if members.get("properties").is_some_and(Value::is_object)
                && !members.contains_key("additionalProperties")
                && members.contains_key("required")
            {
                members.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// Checks a document against the schema that it names, and that this says something of each of its members.
#[track_caller]
pub(super) fn check(document: &Value) -> &str {
    let name = document["schema"].as_str();
    let name = name.unwrap_or_else(|| panic!("it names no schema: {document}"));
    let schema = SCHEMAS.get(name);
    let schema = schema.unwrap_or_else(|| panic!("{name} is not published"));
    for validator in [&schema.published, &schema.closed] {
        let wrong = validator.iter_errors(document);
        let wrong: Vec<_> = wrong
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{name}: {wrong:#?}\n{document:#}");
    }
    for member in document.as_object().unwrap().keys() {
        let mut other = document.clone();
        other[member] = json!({ "nobody": {} });
        let is_taken = schema.published.is_valid(&other);
        assert!(!is_taken, "{name} takes anything as {member}");
    }
    name
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `confbus.get/1` and its schema.
fn files() -> BTreeMap<String, Value> {
    let folder = fs::read_dir(root().join("docs/schemas")).unwrap();
    let files = folder.map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let stem = path.file_stem().unwrap().to_str().unwrap();
            let (name, number) = stem.rsplit_once('-').unwrap();
            let text = fs::read_to_string(&path).unwrap();
            let schema = serde_json::from_str(&text);
            let schema = schema.unwrap_or_else(|error| panic!("{stem}: {error}"));
            (format!("{name}/{number}"), schema)
        })
        .collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false => vec![path],
        })
        .collect()
}

fn names_in(text: &str) -> BTreeSet<String> {
    let found = NAME.find_iter(text);
    found.map(|name| name.as_str().to_owned()).collect()
}

/// What a schema calls by a name.
fn definitions<'s>(schema: &'s Value, found: &mut Vec<(String, &'s Value)>) {
    let definitions = schema["$defs"].as_object().into_iter().flatten();
    found.extend(definitions.map(|(name, definition)| (name.clone(), definition)));
}

#[test]
fn what_the_program_says_is_published_and_nothing_else() {
    let mut said = BTreeSet::new();
    for path in sources(&root().join("src")) {
        said.extend(names_in(&fs::read_to_string(path).unwrap()));
    }
    let published: BTreeSet<_> = files().into_keys().collect();
    assert_eq!(said, published);
}

#[test]
fn the_description_of_the_api_leads_to_the_schemas() {
    let description = fs::read_to_string(root().join("docs/reference/openapi.json")).unwrap();
    let description: Value = serde_json::from_str(&description).unwrap();
    let published = files();
    let mut led = 0;
    for (name, described) in description["components"]["schemas"].as_object().unwrap() {
        if let Some(document) = described["properties"]["schema"]["const"].as_str() {
            let url = &described["externalDocs"]["url"];
            assert_eq!(url, &published[document]["$id"], "{name}");
            led += 1;
        }
    }
    assert!(led > 0);
}

#[test]
fn a_schema_says_what_it_is() {
    let page = fs::read_to_string(root().join("docs/reference/json.md")).unwrap();
    for (name, schema) in files() {
        assert!(jsonschema::meta::is_valid(&schema), "{name}");
        let draft = "https://json-schema.org/draft/2020-12/schema";
        assert_eq!(schema["$schema"], draft, "{name}");
        let file = format!("{}.json", name.replace('/', "-"));
        let id = schema["$id"].as_str().unwrap();
        assert!(id.ends_with(&format!("/docs/schemas/{file}")), "{id}");
        assert_eq!(
            names_in(&schema.to_string()),
            [name.clone()].into(),
            "{file}"
        );
        for text in ["title", "description"] {
            assert!(schema[text].is_string(), "{name} has no {text}");
        }
        let listed = format!("[`{name}`](../schemas/{file})");
        assert!(
            page.contains(&listed),
            "docs/reference/json.md lacks {listed}"
        );
    }
}

/// What is described in one file is looked up by whoever reads another.
#[test]
fn one_word_means_the_same_in_every_schema() {
    let files = files();
    let mut found = Vec::new();
    files
        .values()
        .for_each(|schema| definitions(schema, &mut found));
    let mut known = BTreeMap::new();
    for (name, definition) in found {
        // These are of one kind of document, and each has its own.
        if matches!(&*name, "instance" | "result") {
            continue;
        }
        let first = *known.entry(name.clone()).or_insert(definition);
        assert_eq!(first, definition, "{name}");
    }
}
