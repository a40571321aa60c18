use std::{sync::Arc, thread, time::Duration};

use tokio::{runtime::Handle, sync::mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{debug, info};

use super::{
    config,
    failure::Failure,
    listener::{Listener, News},
    publisher::Publisher,
    settings::KafkaSettings,
};
use crate::broker::{self, Inbox};

/// Messages that may wait between the thread and us; librdkafka keeps what comes beyond that, and then the broker.
const WAITING: usize = 64;

/// A broker that is alive lets us leave its group at once; at shutdown nobody wants to wait for one that is not.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Beyond the time in which the thread gives up itself.
const MARGIN: Duration = Duration::from_secs(20);

/// One consumer in a group of its own, from the first message to the loss.
pub(super) struct Session {
    addresses: String,
    topic: String,
    group: String,
    publisher: Arc<Publisher>,
    news: mpsc::Receiver<News>,
    stop: DropGuard,
}

impl Session {
    /// Connects, and joins the group: when this returns, no event is missed.
    pub(super) async fn open(settings: &Arc<KafkaSettings>) -> Result<Self, Failure> {
        let common = config::common(settings).await?;
        let (consumer, group) = config::consumer(&common);
        let publisher = Arc::new(Publisher::new(Arc::clone(settings), &common));
        let (told, news) = mpsc::channel(WAITING);
        let stop = CancellationToken::new();
        let listener = Listener {
            settings: Arc::clone(settings),
            common,
            consumer,
            stop: stop.clone(),
            runtime: Handle::current(),
            news: told,
        };
        let mut session = Self {
            addresses: settings.addresses(),
            topic: settings.topic.clone(),
            group,
            publisher,
            news,
            stop: stop.drop_guard(),
        };
        thread::Builder::new()
            .name("bus-kafka".into())
            .spawn(move || listener.run())
            .map_err(Failure::Thread)?;
        let limit = settings.connection_timeout + MARGIN;
        match tokio::time::timeout(limit, session.news.recv()).await {
            Ok(Some(News::Listening)) => Ok(session),
            Ok(Some(News::Ended(failure))) => Err(failure),
            Ok(Some(News::Heard(..)) | None) => Err(Failure::Stopped),
            Err(_elapsed) => Err(Failure::NoAnswer {
                doing: "connecting",
                within: limit,
                last: None,
            }),
        }
    }
}

impl broker::Session for Session {
    type Publisher = Publisher;

    fn publisher(&self) -> Arc<Publisher> {
        Arc::clone(&self.publisher)
    }

    fn tell(&self, reconnects: u64) {
        info!(event = "bus.connected", address = %self.addresses, topic = self.topic, group = self.group, reconnects, "connected to the bus");
    }

    async fn relay(&mut self, inbox: &mut Inbox) -> String {
        loop {
            match self.news.recv().await {
                Some(News::Heard(read, bytes)) => inbox.take(*read, bytes, || "unnamed".into()),
                Some(News::Listening) => {}
                Some(News::Ended(failure)) => return format!("{}: {failure}", self.addresses),
                None => return format!("{}: the consumer ended", self.addresses),
            }
        }
    }

    async fn close(self) {
        let Self { mut news, stop, .. } = self;
        drop(stop);
        let ended = async { while news.recv().await.is_some() {} };
        if tokio::time::timeout(CLOSE_TIMEOUT, ended).await.is_err() {
            debug!("a consumer was left without the broker's goodbye");
        }
    }
}
