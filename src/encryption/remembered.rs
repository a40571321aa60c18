//! What texts were decrypted to. An RSA key takes a millisecond per text, and every read asks for the same ones.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::CipherError;

/// Texts of one generation. Two of them, with texts of at most [`LONGEST`], are 16 MiB.
const GENERATION: usize = 2048;
/// Bytes of a text that is worth a place.
const LONGEST: usize = 4096;

type Decrypted = Result<Box<str>, CipherError>;

/// The latest texts and what they mean, within bounds: a full generation replaces the one before.
#[derive(Default)]
pub(super) struct Remembered {
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<Box<str>, Decrypted>,
    old: HashMap<Box<str>, Decrypted>,
}

impl Remembered {
    /// What a text means, worked out by `decrypt` when it is not known.
    pub(super) fn get(&self, text: &str, decrypt: impl FnOnce() -> Decrypted) -> Decrypted {
        if text.len() > LONGEST {
            return decrypt();
        }
        if let Some(known) = self.known(text) {
            return known;
        }
        // Not under the lock: others need not wait for this.
        let decrypted = decrypt();
        self.remember(text, decrypted.clone());
        decrypted
    }

    fn known(&self, text: &str) -> Option<Decrypted> {
        let mut generations = self
            .generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = generations.young.get(text) {
            return Some(known.clone());
        }
        let (text, known) = generations.old.remove_entry(text)?;
        generations.add(text, known.clone());
        Some(known)
    }

    fn remember(&self, text: &str, decrypted: Decrypted) {
        self.generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add(text.into(), decrypted);
    }
}

impl Generations {
    fn add(&mut self, text: Box<str>, decrypted: Decrypted) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(text, decrypted);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_text_is_worked_out_once_as_long_as_it_is_asked_for() {
        let remembered = Remembered::default();
        let worked_out = Cell::new(0);
        let ask = |text: &str| {
            remembered.get(text, || {
                worked_out.set(worked_out.get() + 1);
                Ok("plain".into())
            })
        };
        assert_eq!(ask("often").as_deref(), Ok("plain"));
        for number in 0..3 * GENERATION {
            _ = ask(&number.to_string());
            _ = ask("often");
        }
        assert_eq!(worked_out.get(), 3 * GENERATION + 1);
        _ = ask("0");
        assert_eq!(worked_out.get(), 3 * GENERATION + 2, "it was forgotten");
        let generations = remembered.generations.lock().unwrap();
        assert!(generations.young.len() + generations.old.len() <= 2 * GENERATION);
    }

    #[test]
    fn failures_are_remembered_and_long_texts_are_not() {
        let remembered = Remembered::default();
        _ = remembered.get("bad", || Err(CipherError::Foreign));
        assert_eq!(
            remembered.get("bad", || Ok("good".into())),
            Err(CipherError::Foreign)
        );
        let long = "x".repeat(LONGEST + 1);
        _ = remembered.get(&long, || Err(CipherError::Foreign));
        assert_eq!(remembered.get(&long, || Ok("".into())), Ok("".into()));
    }
}
