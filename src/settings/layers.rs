use std::{
    borrow::Cow,
    fs,
    path::{Path, PathBuf},
};

use confbus_protocol::{Properties, Property, resolve_placeholders};
use confbus_resolution::parse_documents;
use indexmap::{IndexMap, IndexSet};

use super::{
    Sources,
    problem::{SettingsError, SettingsProblem, code},
    variables::key_of_variable,
};

/// The variable that holds settings as JSON, stronger than other variables and weaker than arguments, as in Spring Boot.
pub(super) const JSON: &str = "SPRING_APPLICATION_JSON";

/// One setting as it was said.
#[derive(Clone)]
pub(super) struct Setting {
    /// The key in Spring's spelling, as far as it is known.
    pub(super) key: String,
    pub(super) value: String,
    /// Where it was said.
    pub(super) place: String,
    /// It was encrypted there.
    pub(super) was_encrypted: bool,
}

/// All settings by uniform key, the strongest of each, in the order in which they were first said.
#[derive(Default)]
pub(super) struct Layers {
    settings: IndexMap<String, Setting>,
}

/// The spelling in which Spring's relaxed forms meet: `defaultLabel`, `default_label`, `default-label`.
pub(super) fn uniform(key: &str) -> String {
    key.chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The settings file that is used when none is named.
pub(super) fn usual_file() -> Option<PathBuf> {
    let names = [
        "application.yml",
        "application.yaml",
        "application.properties",
    ];
    let folders = ["config", "."];
    folders
        .iter()
        .flat_map(|folder| names.iter().map(move |name| Path::new(folder).join(name)))
        .find(|file| file.is_file())
}

impl Layers {
    pub(super) fn read(sources: &Sources) -> Result<Self, SettingsError> {
        let mut layers = Self::default();
        let alone = |problem| SettingsError::new(vec![problem]);
        // Which documents of the file count may be said outside of it.
        layers.add_stronger(sources).map_err(alone)?;
        if let Some(file) = sources.file.clone().or_else(usual_file) {
            layers.add_file(&file).map_err(alone)?;
        }
        layers.add_stronger(sources).map_err(alone)?;
        layers.resolve_references(&sources.variables)?;
        Ok(layers)
    }

    fn add_stronger(&mut self, sources: &Sources) -> Result<(), SettingsProblem> {
        for (name, value) in &sources.variables {
            if let Some(key) = key_of_variable(name) {
                self.add(Setting {
                    key,
                    value: value.clone(),
                    place: name.clone(),
                    was_encrypted: false,
                });
            }
        }
        let mut variables = sources.variables.iter();
        if let Some((_, text)) = variables.find(|(name, _)| name == JSON) {
            self.add_json(text)?;
        }
        for (key, value) in &sources.arguments {
            self.add(Setting {
                key: key.clone(),
                value: value.clone(),
                place: format!("--{key}"),
                was_encrypted: false,
            });
        }
        Ok(())
    }

    fn add_json(&mut self, text: &str) -> Result<(), SettingsProblem> {
        // JSON is YAML, and so everything in it has a place.
        let documents = parse_documents(&format!("{JSON}.yml"), text.as_bytes());
        let documents = documents.map_err(|problem| SettingsProblem {
            code: code::UNREADABLE,
            place: problem.origin.to_string().replacen(".yml", "", 1),
            problem: problem.problem,
            hint: problem.hint,
        })?;
        documents
            .iter()
            .for_each(|document| self.add_document(document, JSON));
        Ok(())
    }

    fn add(&mut self, setting: Setting) {
        self.settings.insert(uniform(&setting.key), setting);
    }

    fn add_file(&mut self, file: &Path) -> Result<(), SettingsProblem> {
        let path = file.display().to_string();
        let unreadable = |error: std::io::Error| SettingsProblem {
            code: code::UNREADABLE,
            place: path.clone(),
            problem: error.to_string(),
            hint: None,
        };
        let bytes = fs::read(file).map_err(unreadable)?;
        let documents = parse_documents(&path, &bytes).map_err(|problem| SettingsProblem {
            code: code::UNREADABLE,
            place: problem.origin.to_string(),
            problem: problem.problem,
            hint: problem.hint,
        })?;
        for document in &documents {
            if self.is_active(document, &path)? {
                self.add_document(document, &path);
            }
        }
        Ok(())
    }

    fn add_document(&mut self, document: &Properties, path: &str) {
        for (key, property) in document {
            let place = place(path, property);
            self.add(Setting {
                key: key.clone(),
                value: property.value.to_string(),
                place,
                was_encrypted: false,
            });
        }
    }

    /// Whether the profiles that are active so far ask for a document. Expressions are for the files that are served.
    fn is_active(&self, document: &Properties, path: &str) -> Result<bool, SettingsProblem> {
        let condition = document
            .iter()
            .find(|(key, _)| uniform(key).starts_with("spring.config.activate."));
        let Some((key, property)) = condition else {
            return Ok(true);
        };
        let wanted = property.value.to_string();
        if uniform(key) != "spring.config.activate.onprofile"
            || wanted.contains(['!', '&', '|', '('])
        {
            let problem = format!("`{key}`: here only a list of profiles can be a condition");
            return Err(SettingsProblem {
                code: code::UNUSABLE,
                place: place(path, property),
                problem,
                hint: None,
            });
        }
        let active = self
            .get("spring.profiles.active")
            .map(|setting| setting.value.clone())
            .unwrap_or_default();
        let is_wanted = |profile: &str| wanted.split(',').any(|wanted| wanted.trim() == profile);
        Ok(active.split(',').map(str::trim).any(is_wanted))
    }

    /// `${NAME:default}` in a value means another setting or an environment variable, as in Spring.
    fn resolve_references(&mut self, variables: &[(String, String)]) -> Result<(), SettingsError> {
        let known = |key: &str| {
            let setting = self
                .settings
                .get(&uniform(key))
                .map(|setting| setting.value.as_str());
            setting
                .or_else(|| {
                    variables
                        .iter()
                        .find(|(name, _)| name == key)
                        .map(|(_, value)| value.as_str())
                })
                .map(Cow::Borrowed)
        };
        let mut problems = Vec::new();
        let mut resolved = IndexMap::new();
        for (uniform, setting) in &self.settings {
            match resolve_placeholders(&setting.value, &known) {
                Ok(value) => {
                    _ = resolved.insert(
                        uniform.clone(),
                        Setting {
                            value,
                            ..setting.clone()
                        },
                    );
                }
                Err(error) => problems.push(SettingsProblem {
                    code: code::UNUSABLE,
                    place: setting.place.clone(),
                    problem: error.to_string(),
                    hint: None,
                }),
            }
        }
        self.settings = resolved;
        if problems.is_empty() {
            Ok(())
        } else {
            Err(SettingsError::new(problems))
        }
    }

    /// The setting under this key, in any of its spellings.
    pub(super) fn get(&self, key: &str) -> Option<&Setting> {
        self.settings.get(&uniform(key))
    }

    /// The names that stand right below a key, in the order in which they were first said.
    pub(super) fn children(&self, key: &str) -> IndexSet<String> {
        let start = uniform(&format!("{key}."));
        let dots = key.matches('.').count() + 1;
        let below = self
            .settings
            .iter()
            .filter(|(key, _)| key.starts_with(&start));
        below
            .filter_map(|(_, setting)| setting.key.split('.').nth(dots))
            .map(|name| name.split('[').next().unwrap_or(name).to_owned())
            .collect()
    }

    /// Everything below a prefix that ends in a dot, by key, without the prefix.
    pub(super) fn below(&self, prefix: &str) -> Vec<(String, Setting)> {
        let start = uniform(prefix);
        let mut found: Vec<_> = self
            .settings
            .iter()
            .filter(|(key, _)| key.starts_with(&start))
            .map(|(_, setting)| setting.clone())
            .collect();
        found.sort_by(|a, b| a.key.cmp(&b.key));
        let dots = prefix.matches('.').count();
        found
            .into_iter()
            .map(|setting| {
                (
                    setting
                        .key
                        .splitn(dots + 1, '.')
                        .nth(dots)
                        .unwrap_or_default()
                        .to_owned(),
                    setting,
                )
            })
            .collect()
    }

    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut Setting> {
        self.settings.values_mut()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Setting> {
        self.settings.values()
    }
}

fn place(path: &str, property: &Property) -> String {
    property
        .origin
        .map_or_else(|| path.to_owned(), |position| format!("{path}:{position}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stands_between_variables_and_arguments() {
        let said = |json: &str| {
            let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
            Layers::read(&Sources {
                file: None,
                arguments: vec![own(("server.address", "::1"))],
                variables: [
                    ("SERVER_PORT", "1"),
                    (JSON, json),
                    ("SERVER_ADDRESS", "::2"),
                ]
                .map(own)
                .into(),
            })
        };
        let layers = said("{\"server\": {\"port\": 9, \"address\": \"::3\"}}").unwrap();
        let [port, address] = ["server.port", "server.address"].map(|key| layers.get(key).unwrap());
        assert_eq!(
            (&*port.value, &*port.place),
            ("9", "SPRING_APPLICATION_JSON:1:21")
        );
        assert_eq!(address.value, "::1");
        let error = said("{\"server\": [").err().unwrap().to_string();
        assert!(error.contains("SPRING_APPLICATION_JSON:1:"), "{error}");
    }

    #[test]
    fn spellings_meet() {
        for key in [
            "default-label",
            "defaultLabel",
            "default_label",
            "DEFAULT-LABEL",
        ] {
            assert_eq!(uniform(key), "defaultlabel");
        }
    }
}
