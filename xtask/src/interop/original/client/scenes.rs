//! What happens between the program and the original, in this order.

use anyhow::ensure;

use super::Stage;
use super::orders::Start;
use crate::interop::original::container::Environment;

type Scene = fn(&mut Stage<'_>) -> anyhow::Result<()>;

/// Where the limit stands in its file.
const PLACE: &str = "orders.yml:4:15";

pub(super) const ALL: [(&str, Scene); 12] = [
    ("it starts, and names where values stand", starts),
    ("the original's busrefresh brings a change", busrefresh),
    ("the original's webhook brings a change", webhook),
    (
        "a wrong type is refused with its place, and kept out",
        wrong_type,
    ),
    (
        "a value out of range is refused with its place",
        out_of_range,
    ),
    ("a mended value is taken", mended),
    ("without a broker a change comes by the beat", by_beat),
    ("a start under a refused value steps back", steps_back),
    ("the original dies, and the program goes on", dies),
    (
        "a start without the original takes the last good file",
        last_good,
    ),
    (
        "a start without the original and a file fails readably",
        fails,
    ),
    ("the original is back, and a newer value is taken", is_back),
];

fn starts(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let more = vec![
        ("SPRING_RABBITMQ_HOST", "127.0.0.1".to_owned()),
        ("SPRING_RABBITMQ_PORT", stage.broker.to_string()),
        ("CONFBUS_POLL_INTERVAL", "off".to_owned()),
    ];
    let orders = start(stage, "by-bus", more).run()?;
    orders.says(&["orders.limits.max-open", "20", PLACE])?;
    // Of the second document of a file.
    orders.says(&[
        "orders.limits.note",
        "only for tests",
        "application.yml:7:9",
    ])?;
    // Of what was encrypted the original tells the file alone.
    orders.says(&["orders.limits.password", "…", "(application.yml)"])?;
    stage.by_bus = Some(orders);
    Ok(())
}

fn busrefresh(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.push(21)?;
    stage.busrefresh()?;
    stage
        .by_bus()?
        .says(&["orders.limits.max-open", "20 → 21", PLACE])
}

fn webhook(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.push(22)?;
    stage.webhook("orders.yml")?;
    stage
        .by_bus()?
        .says(&["orders.limits.max-open", "21 → 22", PLACE])
}

fn wrong_type(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.write("ten")?;
    stage.busrefresh()?;
    let orders = stage.by_bus()?;
    orders.says(&["refused", "orders.limits.max-open", "\"ten\"", PLACE])?;
    orders.takes_at_most(22)
}

fn out_of_range(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.write("20000")?;
    stage.busrefresh()?;
    let orders = stage.by_bus()?;
    orders.says(&["refused", "expected 1 to 10000, found 20000", PLACE])?;
    orders.takes_at_most(22)
}

fn mended(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.push(23)?;
    stage.busrefresh()?;
    let orders = stage.by_bus()?;
    orders.says(&["orders.limits.max-open", "22 → 23", PLACE])?;
    let all = orders.all()?;
    ensure!(!all.contains("mysecret"), "a secret is in\n{all}");
    Ok(())
}

fn by_beat(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let orders = with_last_good(stage)?.run()?;
    orders.says(&["the server has no stream of events"])?;
    orders.takes_at_most(23)?;
    stage.push(24)?;
    orders.says(&["orders.limits.max-open", "23 → 24", PLACE])?;
    stage.by_beat = Some(orders);
    Ok(())
}

fn steps_back(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.by_beat = None;
    stage.write("ten")?;
    let orders = with_last_good(stage)?.run()?;
    orders.takes_at_most(24)?;
    stage.push(25)?;
    orders.says(&["orders.limits.max-open", "24 → 25", PLACE])?;
    stage.by_beat = Some(orders);
    Ok(())
}

fn dies(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.spring = None;
    let orders = stage.by_beat()?;
    orders.says(&["keeping what is running", "connection refused"])?;
    orders.takes_at_most(25)
}

fn last_good(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.by_beat = None;
    let orders = with_last_good(stage)?.run()?;
    orders.says(&["no server answers; starting from the last good file"])?;
    orders.says(&["orders.limits.max-open", "25", PLACE])?;
    stage.by_beat = Some(orders);
    Ok(())
}

fn fails(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let once = ("SPRING_CLOUD_CONFIG_RETRY_MAX_ATTEMPTS", "1".to_owned());
    let said = start(stage, "without-file", vec![once]).fails()?;
    let expected = format!(
        "no configuration: http://127.0.0.1:{}: connection refused",
        stage.port
    );
    ensure!(
        said.to_lowercase().contains(&expected),
        "no {expected:?} in {said}"
    );
    Ok(())
}

fn is_back(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.push(26)?;
    stage.start_spring()?;
    let orders = stage.by_beat()?;
    orders.says(&["the server answers again"])?;
    orders.says(&["orders.limits.max-open", "25 → 26", PLACE])
}

/// Looks every second, and keeps what was good.
fn with_last_good<'s>(stage: &'s Stage<'_>) -> anyhow::Result<Start<'s>> {
    let mut start = start(
        stage,
        "by-beat",
        vec![("CONFBUS_POLL_INTERVAL", "1s".to_owned())],
    );
    let folder = start.last_good()?.display().to_string();
    start.more.push(("CONFBUS_LAST_GOOD_DIR", folder));
    Ok(start)
}

fn start<'s>(stage: &'s Stage<'_>, name: &'static str, more: Environment) -> Start<'s> {
    Start {
        program: &stage.programs.orders,
        server: stage.port,
        name,
        folder: &stage.folder,
        more,
    }
}
