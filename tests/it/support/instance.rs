use confbus_protocol::{BusId, Outcome, Report};

use super::{Request, Running, TestServer, eventually, expect_that};

/// The instance `shop:prod:8080:1` says what became of a version.
#[track_caller]
pub(crate) fn report(server: &TestServer, instance: &str, version: &str, outcome: Outcome) {
    let running = matches!(outcome, Outcome::Applied { .. }).then(|| version.to_owned());
    let mut parts = instance.split(':').map(str::to_owned);
    let report = Report {
        instance: BusId::new(instance).unwrap(),
        application: parts.next().unwrap(),
        profiles: parts.next().unwrap(),
        label: None,
        version: Some(version.into()),
        running,
        outcome,
        transport: None,
        poll_seconds: None,
    };
    let posted = Request::post("/confbus/reports", report.to_json());
    assert_eq!(server.send(&posted).status, 204);
}

/// A client program in a process of its own: `confbus watch`.
pub(crate) struct Instance {
    running: Running,
}

impl Instance {
    /// Follows `application/profiles` and hears of changes only by the bus: the safety net is off.
    pub(crate) fn start(server: &TestServer, address: &str, index: u16, more: &[&str]) -> Self {
        Self::asking(&server.url(), address, index, more)
    }

    /// The same with the server's URL, which may hold a user and a password.
    pub(crate) fn asking(url: &str, address: &str, index: u16, more: &[&str]) -> Self {
        let mut arguments: Vec<String> = ["watch", address, "--server", url, "--poll", "0"]
            .map(str::to_owned)
            .into();
        arguments.extend(["--index".to_owned(), index.to_string()]);
        arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
        let instance = Self {
            running: Running::confbus(&arguments),
        };
        instance.running.line_with("listening");
        instance
    }

    /// The bus id it says it has.
    #[cfg(feature = "broker-tests")]
    pub(crate) fn bus_id(&self) -> String {
        let line = self.running.line_with("bus id ");
        line.rsplit(' ').next().unwrap().to_owned()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.running.lines()
    }

    /// Waits for a line about a key with its new value.
    #[track_caller]
    pub(crate) fn sees(&self, key: &str, value: &str) {
        eventually(&format!("{key} become {value}"), || {
            expect_that(self.has_seen(key, value), self.lines())
        });
    }

    /// Waits until the last line about a key has its last value.
    #[cfg(feature = "broker-tests")]
    #[track_caller]
    pub(crate) fn ends_with(&self, key: &str, value: &str) {
        eventually(&format!("{key} end with {value}"), || {
            let lines = self.lines();
            // The log may name the key, too.
            let tells = |line: &&String| line.contains(key) && line.contains(" → ");
            let last = lines.iter().rev().find(tells);
            expect_that(
                last.is_some_and(|line| line.ends_with(&format!("→ {value}"))),
                last,
            )
        });
    }

    pub(crate) fn has_seen(&self, key: &str, value: &str) -> bool {
        self.lines()
            .iter()
            .any(|line| line.contains(key) && line.contains(&format!("→ {value}")))
    }
}
