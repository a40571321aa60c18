mod problems;
mod units;

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt::Display,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use secrecy::SecretString;

use super::{
    layers::Layers,
    problem::{SettingsProblem, code},
};
use crate::encryption::CipherError;
pub(super) use problems::is_known;
use problems::problem;
use units::{bytes_text, duration_text, parse_bytes, parse_duration};

/// Reads typed settings and collects what is wrong on the way.
pub(super) struct Reader {
    layers: Layers,
    problems: Vec<SettingsProblem>,
    warnings: Vec<SettingsProblem>,
    opened: Vec<String>,
    /// What counts where nothing was said.
    defaults: RefCell<BTreeMap<String, String>>,
}

impl Reader {
    pub(super) fn new(layers: Layers) -> Self {
        Self {
            layers,
            problems: Vec::new(),
            warnings: Vec::new(),
            opened: Vec::new(),
            defaults: RefCell::default(),
        }
    }

    /// Reads these arguments and variables, and nothing of this machine.
    #[cfg(test)]
    pub(super) fn of(arguments: Vec<(String, String)>, variables: Vec<(String, String)>) -> Self {
        // An empty file instead of the usual places.
        let file = tempfile::NamedTempFile::with_suffix(".properties").expect("a temporary file");
        let sources = super::Sources {
            file: Some(file.path().to_owned()),
            arguments,
            variables,
        };
        Self::new(Layers::read(&sources).expect("arguments and an empty file"))
    }

    /// Replaces encrypted values by what they mean, so that a password need not stand in the file in clear.
    pub(super) fn decrypt(&mut self, decrypt: impl Fn(&str) -> Result<String, CipherError>) {
        let must_succeed = self.flag("encrypt.fail-on-error", true);
        for setting in self.layers.all_mut() {
            let Some(cipher) = setting.value.strip_prefix("{cipher}") else {
                continue;
            };
            match decrypt(cipher) {
                Ok(plain) => {
                    setting.value = plain;
                    setting.was_encrypted = true;
                }
                Err(error) if must_succeed => {
                    let text = format!("`{}` cannot be decrypted: {error}", setting.key);
                    self.problems
                        .push(problem(code::NOT_DECRYPTED, setting, text));
                }
                Err(error) => {
                    let text = format!(
                        "`{}` cannot be decrypted and counts as not said: {error}",
                        setting.key
                    );
                    self.warnings
                        .push(problem(code::NOT_DECRYPTED, setting, text));
                    setting.value.clear();
                }
            }
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.text(key).is_some()
    }

    /// A text as it was said, be it empty.
    pub(super) fn said(&self, key: &str) -> Option<String> {
        self.layers.get(key).map(|setting| setting.value.clone())
    }

    /// A text; an empty one counts as not said.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.said(key).filter(|value| !value.is_empty())
    }

    /// What is nobody's business: a password, a key, a token.
    pub(super) fn secret(&self, key: &str) -> Option<SecretString> {
        self.text(key).map(SecretString::from)
    }

    pub(super) fn text_or(&self, key: &str, default: &str) -> String {
        self.text(key).unwrap_or_else(|| {
            self.assume(key, default);
            default.to_owned()
        })
    }

    /// Notes what counts for a key of which nothing was said.
    pub(super) fn assume(&self, key: &str, default: impl Display) {
        let mut defaults = self.defaults.borrow_mut();
        defaults.insert(key.to_owned(), default.to_string());
    }

    /// What was read and not said, with the values that count, by key; so far.
    pub(super) fn defaults(&self) -> Vec<(String, String)> {
        let defaults = self.defaults.borrow();
        let known = defaults
            .iter()
            .filter(|(key, value)| is_known(key) && !value.is_empty());
        known
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    /// Spring's words for yes and no.
    pub(super) fn flag(&mut self, key: &str, default: bool) -> bool {
        let Some(text) = self.text(key) else {
            self.assume(key, default);
            return default;
        };
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => true,
            "false" | "no" | "off" | "0" => false,
            _ => {
                self.refuse(key, format!("`{key}` is neither true nor false"), None);
                default
            }
        }
    }

    /// A switch whose other position than the usual one opens what is closed.
    pub(super) fn switch(&mut self, key: &str, usual: bool, what: &str) -> bool {
        let said = self.flag(key, usual);
        if said != usual {
            self.opens(key, what);
        }
        said
    }

    pub(super) fn number<T: FromStr + Display>(&mut self, key: &str, default: T) -> T {
        let Some(text) = self.text(key) else {
            self.assume(key, &default);
            return default;
        };
        text.trim().parse().unwrap_or_else(|_| {
            self.refuse(key, format!("`{key}` is not a number in range"), None);
            default
        })
    }

    /// `500ms`, `30s`, `2m`, `1h`; a bare number counts in `unit`.
    pub(super) fn duration(&mut self, key: &str, unit: Duration, default: Duration) -> Duration {
        let Some(text) = self.text(key) else {
            self.assume(key, duration_text(default));
            return default;
        };
        parse_duration(&text, unit).unwrap_or_else(|| {
            self.refuse(
                key,
                format!("`{key}` is not a duration"),
                Some("write 500ms, 30s, 2m or 1h"),
            );
            default
        })
    }

    /// `512B`, `2KB`, `32MB`; a bare number counts bytes.
    pub(super) fn bytes(&mut self, key: &str, default: usize) -> usize {
        let Some(text) = self.text(key) else {
            self.assume(key, bytes_text(default));
            return default;
        };
        parse_bytes(&text).unwrap_or_else(|| {
            self.refuse(
                key,
                format!("`{key}` is not a size"),
                Some("write 512B, 2KB or 32MB"),
            );
            default
        })
    }

    /// A file of this machine, which has to be there; `None` when it is not.
    #[expect(
        clippy::option_option,
        reason = "outer: can it be used; inner: was it said"
    )]
    pub(super) fn file(&mut self, key: &str) -> Option<Option<PathBuf>> {
        let Some(text) = self.text(key) else {
            return Some(None);
        };
        let path = Path::new(text.strip_prefix("file:").unwrap_or(&text)).to_owned();
        if path.is_file() {
            return Some(Some(path));
        }
        let problem = format!("`{key}` names no file: {}", path.display());
        self.refuse(key, problem, None);
        None
    }

    /// A comma list, or a list of its own.
    pub(super) fn list(&self, key: &str) -> Vec<String> {
        let items = |text: &str| {
            text.split(',')
                .map(|item| item.trim().to_owned())
                .filter(|item| !item.is_empty())
                .collect::<Vec<_>>()
        };
        if let Some(text) = self.text(key) {
            return items(&text);
        }
        (0..)
            .map_while(|index| self.text(&format!("{key}[{index}]")))
            .collect()
    }

    /// The names of the user's own right below a key, in the order in which they were said.
    pub(super) fn children(&self, key: &str) -> Vec<String> {
        self.layers.children(key).into_iter().collect()
    }

    /// The indices of a list whose elements have keys of their own.
    pub(super) fn indices(&self, key: &str) -> Vec<usize> {
        self.layers
            .below(&format!("{key}["))
            .iter()
            .filter_map(|(rest, _)| {
                let (_, rest) = rest.split_once('[')?;
                rest.split(']').next()?.parse().ok()
            })
            .collect()
    }

    /// Those of the keys [`below`](Self::below) a prefix whose values were encrypted.
    pub(super) fn encrypted_below(&self, prefix: &str) -> Vec<String> {
        let all = self.layers.below(prefix).into_iter();
        all.filter(|(_, setting)| setting.was_encrypted)
            .map(|(key, _)| key)
            .collect()
    }

    /// Keys of the user's own below a prefix that ends in a dot.
    pub(super) fn below(&self, prefix: &str) -> Vec<(String, String)> {
        self.layers
            .below(prefix)
            .into_iter()
            .map(|(key, setting)| (key, setting.value))
            .collect()
    }
}
