use std::sync::Arc;

use confbus_protocol::{Properties, PropertySource};
use confbus_resolution::parse_documents;

use super::{
    KIND,
    objects::Files,
    questions::{EXTENSIONS, Part, Question},
};
use crate::lookups::LookupError;

/// Where a document of YAML says for whom it is.
const ON_PROFILE: [&str; 2] = [
    "spring.config.activate.on-profile",
    "spring.config.activate.onProfile",
];

/// What a file is for the one who asks, the strongest first. One that is there is a source, be it without keys.
pub(super) fn sources(
    question: &Question,
    files: &Files,
) -> Result<Vec<PropertySource>, LookupError> {
    let keys = question.keys().zip(EXTENSIONS);
    let mut there = keys.filter_map(|(key, end)| Some((files.get(&key)?.clone()?, key, end)));
    let Some((file, key, extension)) = there.next() else {
        return Ok(Vec::new());
    };
    let documents = documents(&key, extension, &file)?;
    let source = |name: String, documents: Vec<Arc<Properties>>| PropertySource {
        name,
        source: joined(documents),
    };
    // The other kinds have no documents, as Spring reads them.
    if matches!(extension, "properties" | "json") {
        return Ok(vec![source(question.name(), documents)]);
    }
    let profile = question.profile.as_str();
    Ok(match question.part {
        Part::Own => {
            let mut all = documents;
            all.retain(|document| whose(document).is_none_or(|whose| whose == profile));
            vec![source(question.name(), all)]
        }
        Part::Common => {
            let (everybodys, mut own): (Vec<_>, Vec<_>) = documents
                .into_iter()
                .partition(|document| whose(document).is_none());
            own.retain(|document| whose(document).as_deref() == Some(profile));
            let own = source(question.name_of_profile(), own);
            let own = Some(own).filter(|own| !own.source.is_empty());
            let everybodys = source(question.name(), everybodys);
            own.into_iter().chain([everybodys]).collect()
        }
    })
}

fn documents(key: &str, extension: &str, file: &[u8]) -> Result<Vec<Arc<Properties>>, LookupError> {
    // JSON is YAML, for Spring as well.
    let read_as = match extension {
        "json" => "file.yml",
        _ => key,
    };
    parse_documents(read_as, file).map_err(|mut problem| {
        problem.origin.path = key.to_owned();
        LookupError::Unusable {
            kind: KIND,
            why: problem.to_string(),
        }
    })
}

/// The profile that a document is for. It is compared as it is written, so an expression is for nobody.
fn whose(document: &Properties) -> Option<String> {
    let said = ON_PROFILE.iter().find_map(|key| document.get(*key))?;
    // Who writes a number means no profile: Spring compares texts.
    Some(said.value.as_text().unwrap_or_default().to_owned())
}

/// A later document wins over an earlier one.
fn joined(documents: Vec<Arc<Properties>>) -> Arc<Properties> {
    if let [only] = &documents[..] {
        return Arc::clone(only);
    }
    let all = documents.iter().flat_map(|document| document.iter());
    let all = all.map(|(key, property)| (key.clone(), property.clone()));
    Arc::new(all.collect())
}

#[cfg(test)]
mod tests {
    use confbus_protocol::{Application, Profiles};
    use confbus_resolution::EnvironmentRequest;

    use super::{super::questions::Naming, *};

    /// Each source as `name{key=value}`.
    fn shown(profiles: &str, files: &[(&str, &str)]) -> Result<String, LookupError> {
        let request = EnvironmentRequest {
            application: Application::parse("a").unwrap(),
            profiles: Profiles::parse(profiles).unwrap(),
            label: None,
        };
        let files = files.iter();
        let files: Files = files
            .map(|(key, text)| ((*key).to_owned(), Some(text.to_string().into())))
            .collect();
        let mut shown = Vec::new();
        let naming = Naming { has_folders: false };
        for question in naming.questions(&request).unwrap() {
            for source in sources(&question, &files)? {
                let value = source.source.get("k").and_then(|one| one.value.as_text());
                shown.push(format!("{}={}", source.name, value.unwrap_or("-")));
            }
        }
        Ok(shown.join(" "))
    }

    #[test]
    fn the_first_kind_that_is_there_counts() {
        let all = [
            ("a.yaml", "k: yaml"),
            ("a.yml", "k: yml"),
            ("a.json", "{\"k\": \"json\"}"),
            ("a.properties", "k=properties"),
        ];
        for count in 1..=all.len() {
            let (file, _) = all[count - 1];
            let kind = file.trim_start_matches("a.");
            assert_eq!(shown("dev", &all[..count]).unwrap(), format!("s3:a={kind}"));
        }
    }

    #[test]
    fn documents_of_yaml_are_for_the_profile_that_they_name() {
        let common = "k: all\n---\nspring.config.activate.on-profile: dev\nk: dev\n\
                      ---\nspring.config.activate.onProfile: qa\nk: qa\n\
                      ---\nspring.config.activate.on-profile: dev | qa\nk: nobody";
        assert_eq!(
            shown("dev", &[("a.yml", common)]).unwrap(),
            "s3:a-dev=dev s3:a=all"
        );
        assert_eq!(
            shown("qa,dev", &[("a.yml", common)]).unwrap(),
            "s3:a-qa=qa s3:a=all s3:a-dev=dev s3:a=all"
        );
        assert_eq!(shown("default", &[("a.yml", common)]).unwrap(), "s3:a=all");
        let own = "k: always\n---\nspring.config.activate.on-profile: qa\nk: other";
        assert_eq!(
            shown("dev", &[("a-dev.yml", own)]).unwrap(),
            "s3:a-dev=always"
        );
    }

    #[test]
    fn a_file_without_keys_is_a_source() {
        let all = [("a-dev.yml", ""), ("application.properties", "")];
        assert_eq!(shown("dev", &all).unwrap(), "s3:a-dev=- s3:application=-");
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_place_and_no_value() {
        let error = shown("dev", &[("a.json", "{\"k\": opensesame: x}")]).unwrap_err();
        let told = error.to_string();
        assert!(told.contains("a.json:1:"), "{told}");
        assert!(!told.contains("opensesame"), "{told}");
    }
}
