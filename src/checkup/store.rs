use std::time::Instant;

use super::{Finding, Reach, Verdict};
use crate::lookups::{LookupError, Settings};

/// Connects, logs in and says hello, as a server would.
pub(super) async fn look(settings: &Settings, reach: Reach) -> Finding {
    let (name, shown) = (settings.place.kind(), settings.place.shown());
    if reach == Reach::Here {
        let text = format!("{shown} is not asked: nobody else is");
        return Finding::new(name, Verdict::Skipped, text);
    }
    let began = Instant::now();
    let store = match settings.place.open() {
        Ok(store) => store,
        Err(error) => return Finding::new(name, Verdict::Bad, format!("{shown}: {error}")),
    };
    let greeted = tokio::time::timeout(settings.deadline, store.greet()).await;
    let late = LookupError::Late {
        kind: name,
        within: settings.deadline,
    };
    match greeted.unwrap_or(Err(late)) {
        Ok(()) => {
            let took = began.elapsed().as_millis();
            Finding::good(name, format!("{shown} answered in {took} ms"))
        }
        Err(error) => Finding::new(name, Verdict::Bad, format!("{shown}: {error}"))
            .help("see host, user, password, and TLS"),
    }
}
