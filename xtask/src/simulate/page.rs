//! `docs/scaling.md`: the tables in it are made here, everything around them is written by hand.

mod limits;
mod scenarios;
mod words;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::model::simulate;
use super::record::{Compared, Record};
use crate::bench::fleet::trial::INSTANCES;
use crate::shell::root;
use scenarios::{Row, connections, layouts, windows};
use words::{bytes, count, kibibytes, span, spent};

/// Renews the tables of the page.
pub(super) fn write(file: &Path, record: &Record) -> anyhow::Result<()> {
    let page =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    fs::write(file, renewed(&page, record)?)?;
    Ok(())
}

/// The tables alone.
pub(super) fn text(record: &Record) -> anyhow::Result<String> {
    let tables = tables(record)?;
    let tables = tables.map(|(name, table)| format!("{name}\n\n{table}\n"));
    Ok(tables.concat())
}

/// The tables, by the names of their places.
fn tables(record: &Record) -> anyhow::Result<[(&'static str, String); 6]> {
    Ok([
        ("limits", limits::table(root())?),
        ("parameters", parameters(record)),
        ("held", held(record)),
        ("layouts", simulated(record, &layouts())),
        ("windows", simulated(record, &windows())),
        ("connections", simulated(record, &connections())),
    ])
}

fn renewed(page: &str, record: &Record) -> anyhow::Result<String> {
    let mut page = page.to_owned();
    for (name, table) in tables(record)? {
        let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
        let from = page.find(&begin).map(|at| at + begin.len());
        let to = page.find(&end);
        let (from, to) = from
            .zip(to)
            .with_context(|| format!("the page has no place for {name}"))?;
        page.replace_range(from..to, &format!("\n{table}\n"));
    }
    Ok(page)
}

fn parameters(record: &Record) -> String {
    let (rabbit, stream) = (&record.parameters.rabbit, &record.parameters.stream);
    let mut text = String::from("| what | RabbitMQ | stream |\n| --- | --- | --- |\n");
    let rows = [
        (
            "server: from the webhook until the event goes out (in real time)",
            rabbit.look,
            stream.look,
        ),
        ("server: the same as work", rabbit.look_cpu, stream.look_cpu),
        (
            "server: beside the fleet's questions",
            rabbit.aside,
            stream.aside,
        ),
        (
            "broker, or server with streams: each message to each client",
            rabbit.delivery,
            stream.delivery,
        ),
        (
            "server: an answer that was made before",
            rabbit.kept,
            stream.kept,
        ),
        (
            "server: the first answer of a commit to an application",
            rabbit.made,
            stream.made,
        ),
        ("server: a report", rabbit.report, stream.report),
        (
            "client: a message that is nothing to it",
            rabbit.hear,
            stream.hear,
        ),
        ("client: ask, parse, bind, swap", rabbit.apply, stream.apply),
        ("client: report", rabbit.post, stream.post),
    ];
    for (what, rabbit, stream) in rows {
        _ = writeln!(text, "| {what} | {} | {} |", span(rabbit), span(stream));
    }
    let rows = [
        (
            "memory of the server, each client",
            rabbit.server_kib,
            stream.server_kib,
        ),
        (
            "memory of the broker, each client",
            rabbit.broker_kib,
            stream.broker_kib,
        ),
    ];
    for (what, rabbit, stream) in rows {
        let (rabbit, stream) = (kibibytes(rabbit), kibibytes(stream));
        _ = writeln!(text, "| {what} | {rabbit} | {stream} |");
    }
    let network = &record.parameters.network;
    let known = format!(
        "memory of the server, each of {} instances in its ledger",
        count(INSTANCES as u64)
    );
    _ = writeln!(
        text,
        "| {known} | {0} | {0} |",
        kibibytes(network.ledger_kib)
    );
    let rows = [
        ("server: a new connection", network.connect),
        ("server: a handshake of TLS 1.3, P-256", network.handshake),
    ];
    for (what, both) in rows {
        _ = writeln!(text, "| {what} | {0} | {0} |", span(both));
    }
    _ = write!(
        text,
        "\nMessages to each client for a push: {} over RabbitMQ, {} over the stream. An answer has {} bytes. With {} clients on \
         one machine. {} rounds on {}, of which {:.2} cores were to be had.\n",
        rabbit.messages,
        stream.messages,
        count(network.answer_bytes),
        rabbit.clients,
        record.rounds,
        record.machine,
        record.parameters.cores,
    );
    text
}

fn held(record: &Record) -> String {
    let mut text = String::from(
        "| clients | way | figure | foreseen | measured | foreseen ÷ measured |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    let most = record.compared.iter().map(|it| it.clients).max();
    for it in record.compared.iter().filter(|it| Some(it.clients) == most) {
        let Compared {
            way,
            clients,
            figure,
            range: (least, most),
            ..
        } = it;
        let clients = count(*clients as u64);
        let (foreseen, measured) = (span(it.foreseen), span(it.measured));
        let (least, most) = (span(*least), span(*most));
        _ = writeln!(
            text,
            "| {clients} | {way} | {figure} | {foreseen} | {measured} [{least} … {most}] | {:.2} |",
            it.ratio()
        );
    }
    text
}

fn simulated(record: &Record, rows: &[Row]) -> String {
    let mut text = String::from(
        "| instances | layout | window | 50 % | 99 % | 100 % | known | CPU of servers | of brokers | peak of a server | messages | bytes |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for row in rows {
        let outcome = simulate(&record.parameters, &row.scenario);
        let all = row.servers as f64;
        let times = [0.5, 0.99, 1.0].map(|share| span(outcome.until(share)));
        let cpu = [outcome.cpu.server, outcome.cpu.broker].map(|part| spent(part * all));
        _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {}/s | {} | {} |",
            count(row.servers * row.scenario.instances as u64),
            row.layout,
            span(outcome.window.as_secs_f64() * 1e3),
            times[0],
            times[1],
            times[2],
            span(outcome.converged),
            cpu.join(" | "),
            count(outcome.peak as u64),
            count(outcome.messages * row.servers),
            bytes(outcome.bytes * row.servers),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{PAGE, RECORD};

    #[test]
    fn the_page_says_what_the_simulation_says() {
        let record = Record::read(&root().join(RECORD)).unwrap();
        let page = fs::read_to_string(root().join(PAGE)).unwrap();
        let renewed = renewed(&page, &record).unwrap();
        for (said, simulated) in page.lines().zip(renewed.lines()) {
            assert_eq!(said, simulated, "type: cargo xtask simulate --write");
        }
        assert_eq!(page.len(), renewed.len());
        assert!(record.is_held(), "a prediction was too far off");
    }

    #[test]
    fn a_page_without_a_place_is_refused() {
        let record = Record::read(&root().join(RECORD)).unwrap();
        let error = renewed("<!-- limits -->\n", &record).unwrap_err();
        assert!(error.to_string().contains("limits"), "{error}");
    }
}
