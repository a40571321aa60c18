use std::net::{IpAddr, Ipv4Addr};

use confbus_protocol::{Application, Label, Profiles};
use confbus_resolution::KeyChange;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{sight::Everything, *};
use crate::look::Trigger;

fn open(file: Option<std::path::PathBuf>) -> (Ledger, Bookkeeper) {
    let own = BusId::new("config-server:8888:5f2b").unwrap();
    let wanted = |_: &EnvironmentRequest, _: &BusId| Version {
        current: Some(Current {
            version: CommitId::from_bytes([2; 20]).to_string(),
            generation: Some(2),
        }),
        held: None,
        is_for_all: true,
    };
    Ledger::open(Settings { file }, own, Box::new(wanted))
}

fn read(application: &str) -> Read {
    Read {
        answered: Arc::new(Answered {
            request: EnvironmentRequest {
                application: Application::parse(application).unwrap(),
                profiles: Profiles::parse("dev").unwrap(),
                label: None,
            },
            version: Some(CommitId::from_bytes([1; 20]).to_string()),
            is_environment: true,
        }),
        stands_for_more: false,
        instance: BusId::new(format!("{application}:dev:8081:ab12")).ok(),
        running: Some(CommitId::from_bytes([1; 20]).to_string()),
        peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
    }
}

async fn state(ledger: &Ledger) -> Value {
    let view = ledger
        .instances(InstanceFilter::default(), Everything)
        .await
        .unwrap();
    serde_json::to_value(view).unwrap()["instances"][0]["state"].clone()
}

#[tokio::test]
async fn a_refresh_is_followed_from_start_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.json");
    let (ledger, bookkeeper) = open(Some(file.clone()));
    let stop = CancellationToken::new();
    let running = tokio::spawn(bookkeeper.run(stop.clone()));

    ledger.read(read("orders"));
    assert_eq!(state(&ledger).await, "told");
    assert_eq!(*ledger.known(), [read("orders").answered.request.clone()]);
    let (from, to) = (CommitId::from_bytes([1; 20]), CommitId::from_bytes([2; 20]));
    let refresh = ledger.started(Started {
        trigger: Trigger::Push,
        labels: vec![LabelMoved {
            repository: "repo".into(),
            label: Label::parse("main").unwrap(),
            from: Some(from),
            to,
            authorship: None,
            generation: 2,
        }],
        pins: Vec::new(),
        origin: "config-server:8888:5f2b".into(),
    });
    ledger.note(&refresh, Step::Looked);
    ledger.note(&refresh, Step::Swapped);
    let mut changes = Changes::default();
    changes.note("orders", &[("limit".to_owned(), KeyChange::Changed)].into());
    ledger.note(&refresh, Step::Changes(changes));
    let origin = BusId::new("config-server:8888:5f2b").unwrap();
    let owed = ["billing", "orders"].map(Destination::complete);
    let event = BusEvent::refresh("e1".into(), 5, &origin, &owed[1]);
    ledger.note(&refresh, Step::Owed(&owed));
    ledger.note(&refresh, Step::Published(&event));
    ledger.note(&refresh, Step::Taken(&owed[1]));
    ledger.heard(&event);
    ledger.unchanged(&read("orders").answered.request, from, to);
    assert_eq!(state(&ledger).await, "same");

    let all = serde_json::to_value(ledger.refreshes(Everything).await.unwrap()).unwrap();
    let view = &all["refreshes"][0];
    assert_eq!(all["refreshes"].as_array().unwrap().len(), 1);
    assert_eq!(view["id"], refresh.to_string());
    assert_eq!(view["trigger"], "push");
    assert_eq!(view["labels"][0]["to"], to.to_string());
    assert_eq!(view["destinations"][0], "orders:**");
    assert_eq!(view["events"][0], "e1");
    assert_eq!(view["told"][0]["instance"], "orders:dev:8081:ab12");
    let timeline = view["timeline"].as_array().unwrap().iter();
    let timeline: Vec<_> = timeline.map(|moment| &moment["what"]).collect();
    assert_eq!(timeline, ["looked", "swapped", "published"]);
    let one = ledger
        .refresh(refresh.to_string(), Everything)
        .await
        .unwrap();
    let mut one = serde_json::to_value(one).unwrap();
    let changes = one.as_object_mut().unwrap().remove("changes").unwrap();
    assert_eq!(&one, view);
    let orders = &changes["applications"][0];
    assert_eq!(orders["keys"][0]["key"], "limit");

    stop.cancel();
    running.await.unwrap();
    assert!(ledger.refreshes(Everything).await.is_err());
    let (again, _bookkeeper) = open(Some(file));
    assert_eq!(*again.known(), [read("orders").answered.request.clone()]);
    assert_eq!(again.owed(), &owed[..1]);
}

#[tokio::test]
async fn values_of_an_environment_change_are_not_taken_down() {
    let (ledger, _bookkeeper) = open(None);
    let origin = BusId::new("config-server:8888:5f2b").unwrap();
    let refresh = BusEvent::refresh("e1".into(), 5, &origin, &Destination::everyone());
    let values = [("password".to_owned(), Some("s3cret".to_owned()))].into();
    let kind = EventKind::EnvironmentChange { values };
    ledger.heard(&BusEvent { kind, ..refresh });
    assert_eq!(ledger.entries.capacity(), QUEUE);
}

#[test]
fn what_others_tell_leaves_room_for_what_happens_here() {
    let (ledger, _bookkeeper) = open(None);
    let learn = || ledger.learn(News::of(&Value::Null).unwrap());
    assert!((0..LEARNT).all(|_| learn()));
    assert!(!learn());
    assert_eq!(ledger.entries.capacity(), QUEUE - LEARNT);
    assert_eq!(ledger.dropped(), 1);
}

#[tokio::test]
async fn others_are_learnt_from_again_when_there_is_room() {
    let (ledger, bookkeeper) = open(None);
    let learn = || ledger.learn(News::of(&Value::Null).unwrap());
    while learn() {}
    let stop = CancellationToken::new();
    let running = tokio::spawn(bookkeeper.run(stop.clone()));
    ledger.records().await.unwrap();
    assert!(learn());
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn reads_leave_room_for_everything_else_and_nobody_waits() {
    let (ledger, mut bookkeeper) = open(None);
    (0..QUEUE).for_each(|_| ledger.read(read("orders")));
    assert_eq!(ledger.entries.capacity(), KEPT_FROM_READS);
    let request = read("orders").answered.request.clone();
    let commit = CommitId::from_bytes([1; 20]);
    (0..QUEUE).for_each(|_| ledger.unchanged(&request, commit, commit));
    assert_eq!(ledger.entries.capacity(), 0);
    assert_eq!(ledger.dropped(), QUEUE as u64);
    assert!(bookkeeper.entries.recv().await.is_some());
}
