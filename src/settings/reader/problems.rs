//! What is wrong with what was said, or has no effect, or opens what is closed, each at its place.

use super::Reader;
use crate::settings::{
    known::{self, KEYS, UNSUPPORTED},
    layers::{Setting, uniform},
    problem::{SettingsProblem, code},
};

impl Reader {
    /// All problems and warnings, those about unknown keys included.
    pub(in crate::settings) fn finish(mut self) -> (Vec<SettingsProblem>, Vec<SettingsProblem>) {
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

    /// Notes at the place of a key that its value cannot be used.
    pub(in crate::settings) fn refuse(
        &mut self,
        key: &str,
        text: impl Into<String>,
        hint: Option<&str>,
    ) {
        self.refuse_as(code::UNUSABLE, key, text, hint);
    }

    /// Notes a mistake of this kind at the place of a key.
    pub(in crate::settings) fn refuse_as(
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
    pub(in crate::settings) fn warn(&mut self, code: &'static str, text: impl Into<String>) {
        self.warnings.push(SettingsProblem {
            code,
            place: String::new(),
            problem: text.into(),
            hint: None,
        });
    }

    /// Says of a key that it opens what is closed by default; health names it as well.
    pub(in crate::settings) fn opens(&mut self, key: &str, what: &str) {
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
    pub(in crate::settings) fn opened(&self) -> Vec<String> {
        self.opened.clone()
    }

    /// Says of a key, where it was said, that nothing comes of it.
    pub(in crate::settings) fn has_no_effect(&mut self, key: &str, why: &str) {
        if let Some(setting) = self.layers.get(key) {
            self.warnings.push(no_effect(setting, why));
        }
    }

    /// Says the same of every key below a prefix that ends in a dot, but those that have an effect.
    pub(in crate::settings) fn have_no_effect(&mut self, prefix: &str, but: &[&str], why: &str) {
        for (below, setting) in self.layers.below(prefix) {
            let below = uniform(below.split('[').next().unwrap_or(&below));
            if !but.iter().any(|effective| uniform(effective) == below) {
                self.warnings.push(no_effect(&setting, why));
            }
        }
    }
}

/// Whether a key is one of ours that is read.
pub(in crate::settings) fn is_known(key: &str) -> bool {
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

pub(super) fn problem(code: &'static str, setting: &Setting, text: String) -> SettingsProblem {
    SettingsProblem {
        code,
        place: setting.place.clone(),
        problem: text,
        hint: None,
    }
}
