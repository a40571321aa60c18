use crate::inspection::Shown;

/// Characters of a value that a page shows.
const LONGEST: usize = 2000;

/// A value as it is shown: as text, or by the fingerprint of a secret.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) text: String,
    pub(super) is_masked: bool,
}

impl Value {
    pub(super) fn of(shown: &Shown) -> Self {
        match shown {
            Shown::Plain(value) => {
                let text = value.to_string();
                let is_long = text.chars().count() > LONGEST;
                let text: String = text.chars().take(LONGEST).collect();
                Self {
                    text: if is_long { text + " …" } else { text },
                    is_masked: false,
                }
            }
            Shown::Masked(fingerprint) => Self {
                text: format!("#{fingerprint}"),
                is_masked: true,
            },
        }
    }
}
