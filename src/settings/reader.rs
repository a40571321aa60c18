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
    known::{self, KEYS, UNSUPPORTED},
    layers::{Layers, Setting, uniform},
    problem::{SettingsProblem, code},
};
use crate::encryption::CipherError;
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

    /// All problems and warnings, those about unknown keys included.
    pub(super) fn finish(mut self) -> (Vec<SettingsProblem>, Vec<SettingsProblem>) {
        let mut unknown: Vec<_> = self
            .layers
            .all()
            .filter(|setting| !is_known(&setting.key) && known::is_ours(&setting.key))
            .collect();
        unknown.sort_by(|a, b| a.place.cmp(&b.place));
        for setting in unknown {
            if UNSUPPORTED
                .iter()
                .any(|prefix| uniform(&setting.key).starts_with(&uniform(prefix)))
            {
                let text = format!("`{}` is not supported", setting.key);
                self.problems
                    .push(problem(code::UNSUPPORTED, setting, text));
            } else {
                self.warnings.push(unknown_key(setting));
            }
        }
        (self.problems, self.warnings)
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

    /// Notes at the place of a key that its value cannot be used.
    pub(super) fn refuse(&mut self, key: &str, text: impl Into<String>, hint: Option<&str>) {
        self.refuse_as(code::UNUSABLE, key, text, hint);
    }

    /// Notes a mistake of this kind at the place of a key.
    pub(super) fn refuse_as(
        &mut self,
        code: &'static str,
        key: &str,
        text: impl Into<String>,
        hint: Option<&str>,
    ) {
        let place = self
            .layers
            .get(key)
            .map(|setting| setting.place.clone())
            .unwrap_or_default();
        self.problems.push(SettingsProblem {
            code,
            place,
            problem: text.into(),
            hint: hint.map(str::to_owned),
        });
    }

    /// Says something that belongs to no single place.
    pub(super) fn warn(&mut self, code: &'static str, text: impl Into<String>) {
        self.warnings.push(SettingsProblem {
            code,
            place: String::new(),
            problem: text.into(),
            hint: None,
        });
    }

    /// Says of a key that it opens what is closed by default; health names it as well.
    pub(super) fn opens(&mut self, key: &str, what: &str) {
        let Some(setting) = self.layers.get(key) else {
            return;
        };
        let said = format!("{key}={}", setting.value);
        let text = format!("{said}: {what}");
        let warning = problem(code::INSECURE, setting, text);
        self.warnings.push(warning);
        self.opened.push(said);
    }

    /// Every key that opens something, with its value: `spring.cloud.config.server.git.skip-ssl-validation=true`.
    pub(super) fn opened(&self) -> Vec<String> {
        self.opened.clone()
    }

    /// Says of a key, where it was said, that nothing comes of it.
    pub(super) fn has_no_effect(&mut self, key: &str, why: &str) {
        if let Some(setting) = self.layers.get(key) {
            self.warnings.push(no_effect(setting, why));
        }
    }

    /// Says the same of every key below a prefix that ends in a dot, but those that have an effect.
    pub(super) fn have_no_effect(&mut self, prefix: &str, but: &[&str], why: &str) {
        for (below, setting) in self.layers.below(prefix) {
            let below = uniform(below.split('[').next().unwrap_or(&below));
            if !but.iter().any(|effective| uniform(effective) == below) {
                self.warnings.push(no_effect(&setting, why));
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

/// Whether a key is one of ours that is read.
pub(super) fn is_known(key: &str) -> bool {
    let key = &known::of_one_repository(&uniform(key));
    let plain = key.split('[').next().unwrap_or(key);
    let spelled = uniform(plain);
    KEYS.iter().any(|known| match known.strip_suffix('*') {
        Some(prefix) => uniform(key).starts_with(&uniform(prefix)),
        None => uniform(known) == spelled,
    })
}

fn unknown_key(setting: &Setting) -> SettingsProblem {
    let hint = known::nearest(&setting.key)
        .map(|key| format!("; did you mean `{key}`?"))
        .unwrap_or_default();
    let text = format!("`{}` is not a setting{hint}", setting.key);
    problem(code::UNKNOWN, setting, text)
}

fn no_effect(setting: &Setting, why: &str) -> SettingsProblem {
    let text = format!("`{}` has no effect: {why}", setting.key);
    problem(code::NO_EFFECT, setting, text)
}

fn problem(code: &'static str, setting: &Setting, text: String) -> SettingsProblem {
    SettingsProblem {
        code,
        place: setting.place.clone(),
        problem: text,
        hint: None,
    }
}
