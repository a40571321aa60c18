use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;
use tracing::{error, warn};

use crate::{Changes, KeyChange, health::Board, pattern::KeyPattern};

/// A callback that takes longer is named in the log.
const SLOW: Duration = Duration::from_secs(1);

/// Keeps a callback of [`Client::on_change`](crate::Client::on_change) called; dropping it ends that.
///
/// A call that is going on when it is dropped goes on to its end.
#[derive(Debug)]
#[must_use = "dropping it ends the calls"]
pub struct Subscription {
    _task: AbortOnDropHandle<()>,
}

/// What one subscription calls, and about which keys.
struct Callback<F> {
    call: F,
    pattern: Arc<KeyPattern>,
    board: Arc<Board>,
}

impl Subscription {
    pub(crate) fn start(
        runtime: &Handle,
        mut changes: Changes,
        pattern: &str,
        board: Arc<Board>,
        call: impl FnMut(&KeyChange) + Send + 'static,
    ) -> Self {
        let pattern = Arc::new(KeyPattern::new(pattern));
        let mut callback = Callback {
            call,
            pattern: Arc::clone(&pattern),
            board,
        };
        let task = runtime.spawn(async move {
            while let Some(set) = changes.next().await {
                let mut keys = set.keys;
                keys.retain(|change| pattern.matches(&change.key));
                // On a thread that may block, so that neither a fetch nor other tasks wait for it.
                let calling = tokio::task::spawn_blocking(move || {
                    keys.iter().for_each(|change| callback.tell(change));
                    callback
                });
                match watched(calling, pattern.text()).await {
                    Some(back) => callback = back,
                    None => return,
                }
            }
        });
        Self {
            _task: AbortOnDropHandle::new(task),
        }
    }
}

/// Waits for a call however long it takes, and says so when it takes long.
async fn watched<T>(mut calling: tokio::task::JoinHandle<T>, pattern: &str) -> Option<T> {
    let done = match tokio::time::timeout(SLOW, &mut calling).await {
        Ok(done) => done,
        Err(_) => {
            warn!(
                pattern,
                "a change callback is slow: it hears of later changes only when it is done"
            );
            calling.await
        }
    };
    done.ok()
}

impl<F: FnMut(&KeyChange)> Callback<F> {
    fn tell(&mut self, change: &KeyChange) {
        if catch_unwind(AssertUnwindSafe(|| (self.call)(change))).is_err() {
            self.board.change(|health| health.callback_panics += 1);
            let (pattern, key) = (self.pattern.text(), &change.key);
            error!(
                pattern,
                key, "a change callback panicked; it is called again for the next change"
            );
        }
    }
}
