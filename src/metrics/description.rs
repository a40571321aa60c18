//! Every metric there is. `docs/METRICS.md`, the dashboard and the alerts are held against this list.

/// What Prometheus calls the type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only grows, from 0 at each start.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How often something fell below which bound.
    Histogram,
}

/// A metric as it is promised to others.
#[derive(Debug)]
pub(crate) struct Description {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) labels: &'static [&'static str],
    /// One line, for who looks at the name and asks what it says.
    pub(crate) help: &'static str,
}

macro_rules! descriptions {
    ($($id:ident = $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(pub(crate) const $id: Description = Description {
            name: $name,
            kind: Kind::$kind,
            labels: &[$($label),*],
            help: $help,
        };)*

        /// All of them, in the order in which they are shown.
        pub(crate) const ALL: &[&Description] = &[$(&$id),*];
    };
}

descriptions! {
    BUILD_INFO = Gauge "confbus_build_info" ["version", "commit"]
        "Which confbus this is, and the commit it was built from where that is known; always 1.";
    READY = Gauge "confbus_ready" []
        "1 while /readyz answers 200.";
    INSECURE_OPTION = Gauge "confbus_insecure_option" ["name"]
        "1 for each setting that opens what is closed by default.";
    HTTP_DURATION = Histogram "confbus_http_request_duration_seconds" ["route", "method", "status"]
        "From the head of a request to its answer. The route is a template. Of answers from memory one in sixteen is timed, and stands for those since.";
    HTTP_IN_FLIGHT = Gauge "confbus_http_requests_in_flight" []
        "Requests whose answer is being made; what is answered from memory is never under way.";
    UNMATCHED = Counter "confbus_unmatched_requests_total" ["reason"]
        "Requests for an application, a profile or a label of which there is nothing.";
    ACCESS_DENIED = Counter "confbus_access_denied_total" ["reason"]
        "Requests that were refused for who asks.";
    WAITING_READS = Gauge "confbus_waiting_reads" []
        "Reads that wait for a look, since their readers may have seen more than is known here.";
    LAGGING_READS = Counter "confbus_lagging_reads_total" ["result"]
        "Such reads by how they ended: answered after they had waited, or sent away with 503.";
    GIT_FETCH_DURATION = Histogram "confbus_git_fetch_duration_seconds" ["repository", "result"]
        "Looks that asked the remote.";
    GIT_FETCH_FAILURES = Counter "confbus_git_fetch_failures_total" ["repository", "reason"]
        "Looks at the remote that failed, by what stood in the way.";
    GIT_LAST_SUCCESS = Gauge "confbus_git_last_success_timestamp_seconds" ["repository"]
        "When the remote last said what the labels in service name.";
    GIT_MIRROR_SIZE = Gauge "confbus_git_mirror_size_bytes" ["repository"]
        "Bytes of the clone on disk.";
    SNAPSHOT_INFO = Gauge "confbus_snapshot_info" ["repository", "label", "commit"]
        "The commit that a branch or tag in service is at; always 1, one series a label.";
    SNAPSHOT_GENERATION = Gauge "confbus_snapshot_generation" ["repository", "label"]
        "How often the label has moved; it only grows, also over restarts.";
    SNAPSHOT_BUILD_DURATION = Histogram "confbus_snapshot_build_duration_seconds" ["repository"]
        "From what a look brought to the swap, the journal on disk included.";
    COMMITS = Counter "confbus_commits_total" ["repository", "result"]
        "Commits to which labels moved, by whether they can be used: accepted, partly while others are given an earlier one, refused where nothing else is there.";
    DIAGNOSTICS = Counter "confbus_diagnostics_total" ["code"]
        "What was wrong in commits to which labels moved, by the kind of mistake; docs/errors has a page for each code.";
    HELD_ADDRESSES = Gauge "confbus_held_addresses" ["cause"]
        "Addresses somebody asks for that do not follow their label: by quarantine they are given an earlier commit, or by pin the one that it names.";
    WEBHOOK_DELIVERIES = Counter "confbus_webhook_deliveries_total" ["provider", "result"]
        "Deliveries at /monitor.";
    WEBHOOK_LAST_ACCEPTED = Gauge "confbus_webhook_last_accepted_timestamp_seconds" ["provider"]
        "When a delivery was last believed.";
    LABEL_MOVES = Counter "confbus_label_moves_total" ["cause"]
        "Labels that moved to another commit, by what made the server look.";
    BUS_CONNECTED = Gauge "confbus_bus_connected" ["bus"]
        "1 while events come and go.";
    BUS_CONNECTS = Counter "confbus_bus_connects_total" ["bus", "result"]
        "Attempts to connect to the broker.";
    BUS_EVENTS = Counter "confbus_bus_events_total" ["direction", "type", "result"]
        "Events of the bus: sent ones by whether the bus took them, heard ones by whether they were understood.";
    BUS_PUBLISH_DURATION = Histogram "confbus_bus_publish_duration_seconds" ["bus"]
        "Until the broker confirmed an event, or did not.";
    STREAMS = Gauge "confbus_streams" ["transport"]
        "Streams of events that are open.";
    REFRESH_PHASE_DURATION = Histogram "confbus_refresh_phase_duration_seconds" ["phase"]
        "The parts of a refresh.";
    APPLY_DURATION = Histogram "confbus_apply_duration_seconds" ["application", "evidence"]
        "From the swap here until an instance is known to run it.";
    CONVERGENCE_DURATION = Histogram "confbus_convergence_duration_seconds" ["result"]
        "From the swap here until the last instance that was told has answered, or ten minutes.";
    INSTANCES = Gauge "confbus_instances" ["application", "profile", "state"]
        "Instances by where they stand.";
    REJECTIONS = Counter "confbus_rejections_total" ["application", "code"]
        "Versions that an instance refused, by the code with which its reason begins.";
    TRACE_SPANS = Counter "confbus_trace_spans_total" ["result"]
        "Spans of traces, where those go to a collector.";
    REGISTERED = Gauge "confbus_registered" ["registry"]
        "1 while a registry has this server on its list, as far as its last answer says.";
    REGISTRY_REQUESTS = Counter "confbus_registry_requests_total" ["registry", "request", "result"]
        "What registries were told: register, renew, deregister.";
    REPLICA_NEWS = Counter "confbus_replica_news_total" ["direction", "result"]
        "What servers tell each other of their ledgers, in messages; what is malformed or oversized is dropped, and what comes faster than it is taken down.";
    BLAST_RADIUS = Histogram "confbus_blast_radius_instances" []
        "How many instances a refresh told.";
    PROCESS_CPU = Counter "process_cpu_seconds_total" []
        "Seconds that processors have worked for the server; its Git workers are not counted here, nor below.";
    PROCESS_RESIDENT_MEMORY = Gauge "process_resident_memory_bytes" []
        "Bytes of memory that the server has.";
    PROCESS_VIRTUAL_MEMORY = Gauge "process_virtual_memory_bytes" []
        "Bytes of addresses that the server has.";
    PROCESS_OPEN_FDS = Gauge "process_open_fds" []
        "Files and connections that are open.";
    PROCESS_MAX_FDS = Gauge "process_max_fds" []
        "How many may be.";
    PROCESS_START = Gauge "process_start_time_seconds" []
        "When the server started.";
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// `UPDATE_EXPECT=1` writes the page anew.
    #[test]
    fn the_page_lists_all_metrics() {
        let mut page = String::from(BEGINNING);
        for metric in ALL {
            let kind = format!("{:?}", metric.kind).to_lowercase();
            let labels = metric.labels.iter().map(|label| format!("`{label}`"));
            let labels = labels.collect::<Vec<_>>().join(", ");
            let (name, help) = (metric.name, metric.help);
            _ = writeln!(page, "| `{name}` | {kind} | {labels} | {help} |");
        }
        _ = write!(page, "{END}");
        expect_test::expect_file!["../../docs/METRICS.md"].assert_eq(&page);
    }

    const BEGINNING: &str = "\
# Metrics

`GET /metrics`, and the same at `/actuator/prometheus`: Prometheus' text 0.0.4, or OpenMetrics 1.0 where `Accept` asks for it. Both are
on the management port where there is one. Who scrapes needs `allow: metrics` in a rule without restrictions (`docs/ACCESS.md`), since
names of all applications are shown. `confbus.metrics.enabled=false` closes both.

| metric | type | labels | says |
| --- | --- | --- | --- |
";
    const END: &str = "
**Labels have an end.** `application` is a name that the ledger knows: the first 1,000, the others together as `_other`. `repository` is an
address without credentials, `label` a branch or tag in service, the first 100 by name of each repository. `route` is a template
(`/{application}/{profiles}`), everything else `_other`. No label holds a key, a value, a path of a request or the name of an instance.

**Values of labels.** `reason` of a failed fetch: `dns`, `connect`, `auth`, `hostkey`, `timeout`, `protocol`, and `disk` or `worker` where not
the remote is to blame. `result` of a delivery: `accepted`, `duplicate`, `signature`, `closed`, `event`, `size`, `malformed`. `cause` of a move:
`webhook`; `command` for `busrefresh`, pins and waves; `poll` for all else. `phase`: `verify`, `fetch`, `swap`, `validate`, `compare`, `announce`.
`result` of spans: `sent`, `dropped` where the queue was full, `failed` where the collector did not take them.
`state` is that of `/_/api/instances`.

**Buckets** of durations: 1, 2.5, 5, 10, 25, 50, 100, 250, 500 µs; the same of ms; 1, 2.5, 5, 10, 30, 60 s.

`deploy/grafana/confbus.json` is a dashboard over these, `deploy/prometheus/alerts.yaml` has the alerts.
";

    #[test]
    fn names_follow_the_conventions() {
        for metric in ALL {
            let Description { name, kind, .. } = metric;
            let is_common = name.starts_with("process_");
            assert!(is_common || name.starts_with("confbus_"), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            let units = ["_seconds", "_bytes", "_instances"];
            let has_unit = units.iter().any(|unit| name.ends_with(unit));
            assert!(*kind != Kind::Histogram || has_unit, "{name}");
            let same = ALL.iter().filter(|other| other.name == *name);
            assert_eq!(same.count(), 1, "{name}");
        }
    }
}
