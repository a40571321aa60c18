//! What texts were decrypted to. An RSA key takes a millisecond per text, and every read asks for the same ones.

use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;

use super::CipherError;

/// Texts that are kept; one more, and all are worked out anew.
const MOST: usize = 2048;
/// Bytes of a text that is worth a place: with what they mean, all of them are at most 16 MiB.
const LONGEST: usize = 4096;

type Decrypted = Result<Arc<str>, CipherError>;

/// Texts and what they mean, in the clear and in memory only. Readers take no lock: a new text makes a new map.
#[derive(Default)]
pub(super) struct Cache {
    texts: ArcSwap<HashMap<Arc<str>, Decrypted>>,
}

impl Cache {
    /// What a text means, worked out by `decrypt` when it is not known.
    pub(super) fn get(&self, text: &str, decrypt: impl FnOnce() -> Decrypted) -> Decrypted {
        if text.len() > LONGEST {
            return decrypt();
        }
        if let Some(known) = self.texts.load().get(text) {
            return known.clone();
        }
        let decrypted = decrypt();
        self.add(text, &decrypted);
        decrypted
    }

    fn add(&self, text: &str, decrypted: &Decrypted) {
        let text: Arc<str> = text.into();
        self.texts.rcu(|texts| {
            let mut texts = if texts.len() < MOST {
                HashMap::clone(texts)
            } else {
                HashMap::new()
            };
            texts.insert(Arc::clone(&text), decrypted.clone());
            texts
        });
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_text_is_worked_out_once_while_there_is_room() {
        let cache = Cache::default();
        let worked_out = Cell::new(0);
        let ask = |text: &str| {
            cache.get(text, || {
                worked_out.set(worked_out.get() + 1);
                Ok("plain".into())
            })
        };
        assert_eq!(ask("often").as_deref(), Ok("plain"));
        assert_eq!(ask("often").as_deref(), Ok("plain"));
        assert_eq!(worked_out.get(), 1);
        for number in 0..MOST {
            _ = ask(&number.to_string());
        }
        _ = ask("often");
        assert_eq!(worked_out.get(), MOST + 2, "it made room");
        assert!(cache.texts.load().len() <= MOST);
    }

    #[test]
    fn failures_are_kept_and_long_texts_are_not() {
        let cache = Cache::default();
        _ = cache.get("bad", || Err(CipherError::Foreign));
        assert_eq!(
            cache.get("bad", || Ok("good".into())),
            Err(CipherError::Foreign)
        );
        let long = "x".repeat(LONGEST + 1);
        _ = cache.get(&long, || Err(CipherError::Foreign));
        assert_eq!(cache.get(&long, || Ok("".into())), Ok("".into()));
    }
}
