//! I5 and I10: what each client ran, in its order; and that nobody applies the same twice in a row.

use std::collections::HashMap;

use super::heads::Heads;
use super::reads::of_commit;
use super::{Invariant, Violation, broken};
use crate::history::{Entry, Micros, Name, What};

/// A client in one life.
struct Client<'a> {
    address: &'a str,
    /// How far it is known to be.
    position: usize,
    applied: Option<&'a str>,
}

pub(super) fn check(history: &[&Entry], heads: &Heads<'_>, violations: &mut Vec<Violation>) {
    let mut clients: HashMap<&str, Client<'_>> = HashMap::new();
    for entry in history {
        match &entry.what {
            What::ClientStarted { client, address } => {
                let new = Client {
                    address,
                    position: 0,
                    applied: None,
                };
                clients.insert(client, new);
            }
            What::Applied {
                client,
                version,
                content,
            } => {
                violations.extend(of_client(&mut clients, client, entry.at, |known| {
                    [
                        known.repeats(version),
                        known.runs(heads, version, content.as_ref()),
                        known.advance(heads, version, entry.at),
                    ]
                }));
            }
            What::Holds {
                client,
                version,
                content,
            } => {
                violations.extend(of_client(&mut clients, client, entry.at, |known| {
                    known.holds(heads, version.as_ref(), content.as_ref(), entry.at)
                }));
            }
            _ => {}
        }
    }
}

/// A promise, and how it was broken.
type Found = (Invariant, String);

/// What a client breaks with what it does, once it has started.
fn of_client<'a, const LOOKS: usize>(
    clients: &mut HashMap<&str, Client<'a>>,
    client: &str,
    at: Micros,
    look: impl FnOnce(&mut Client<'a>) -> [Option<Found>; LOOKS],
) -> Vec<Violation> {
    let found = clients.get_mut(client).map(look).into_iter().flatten();
    let found = found.flatten();
    found
        .map(|(invariant, what)| broken(invariant, at, format!("{client}: {what}")))
        .collect()
}

impl<'a> Client<'a> {
    fn repeats(&mut self, version: &'a str) -> Option<Found> {
        let before = self.applied.replace(version);
        let what = || format!("applied {version} twice in a row");
        (before == Some(version)).then(|| (Invariant::FewRepeats, what()))
    }

    /// Whether it may run this.
    fn runs(&self, heads: &Heads<'_>, version: &str, content: Option<&Name>) -> Option<Found> {
        if let Some(found) =
            content.and_then(|content| of_commit(heads, self.address, version, content))
        {
            return Some(found);
        }
        let refused = heads
            .first(version)
            .is_some_and(|head| !head.is_fit(self.address));
        let what = || format!("runs {version}, which does not fit");
        refused.then(|| (Invariant::LastGood, what()))
    }

    fn advance(&mut self, heads: &Heads<'_>, version: &str, at: Micros) -> Option<Found> {
        // What nobody pushed breaks another promise.
        heads.first(version)?;
        let Some(position) = heads.lowest(version, self.position, at) else {
            return Some((Invariant::Forward, format!("went back to {version}")));
        };
        self.position = position;
        None
    }

    fn holds(
        &mut self,
        heads: &Heads<'_>,
        version: Option<&'a Name>,
        content: Option<&Name>,
        at: Micros,
    ) -> [Option<Found>; 2] {
        let (Some(version), Some(content)) = (version, content) else {
            let what = "has lost its configuration".to_owned();
            return [Some((Invariant::LastGood, what)), None];
        };
        [
            self.runs(heads, version, Some(content)),
            self.advance(heads, version, at),
        ]
    }
}
