//! Messages that anybody who reaches the broker could publish.
//!
//! `publish` sends the text below; before it, `type` sets the content type, `header NAME VALUE` a header and `times N` how
//! often.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use lapin::options::{BasicPublishOptions, ExchangeDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind};
use tokio::runtime::{Builder, Runtime};

use super::configuration;
use crate::corpus::{Script, scripts};
use crate::http::{request, send};
use crate::judge::{Judge, What};
use crate::stage::{Stage, Tools};
use crate::text::{expand, nothing};

const BUS: &str = include_str!("../../corpus/bus.txt");
/// What a broker takes for one message, and more.
const WAIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

pub(super) fn play(tools: &Tools, judge: &mut Judge) -> anyhow::Result<()> {
    let Some(amqp) = &tools.amqp else {
        bail!("there is no broker");
    };
    let exchange = format!("attacks-{:016x}", fastrand::u64(..));
    let settings = [
        format!("spring.rabbitmq.addresses={amqp}"),
        format!("spring.cloud.bus.destination={exchange}"),
        "spring.cloud.bus.enabled=true".to_owned(),
    ];
    let mut stage = configuration::stage(tools, judge, "bus", &settings)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut publisher = Publisher::connect(runtime, amqp, exchange)?;
    for script in scripts(BUS)? {
        publisher
            .play(judge, &script)
            .with_context(|| script.id.clone())?;
        stage.look(judge, &script.id)?;
        still_tells(judge, &stage, &script.id);
    }
    stage.end(judge, "end")
}

/// The server's own connection is as good as before, or soon is: what a broker cannot deliver costs a consumer its connection.
fn still_tells(judge: &mut Judge, stage: &Stage, attack: &str) {
    let refresh = request("POST", b"/actuator/busrefresh/nobody", &stage.login, b"");
    let until = Instant::now() + WAIT;
    loop {
        let (reply, _) = send(stage.server.port, &refresh, WAIT);
        if reply.answer().is_some_and(|answer| answer.status == 204) {
            return;
        }
        if Instant::now() > until {
            return judge.find(attack, What::Others, format!("busrefresh: {reply:?}"));
        }
        std::thread::sleep(POLL);
    }
}

struct Publisher {
    runtime: Runtime,
    url: String,
    exchange: String,
    channel: Channel,
    _connection: Connection,
}

impl Publisher {
    fn connect(runtime: Runtime, url: &str, exchange: String) -> anyhow::Result<Self> {
        let (connection, channel) = runtime.block_on(channel(url, &exchange))?;
        Ok(Self {
            runtime,
            url: url.to_owned(),
            exchange,
            channel,
            _connection: connection,
        })
    }

    fn play(&mut self, judge: &mut Judge, script: &Script) -> anyhow::Result<()> {
        let mut properties =
            BasicProperties::default().with_content_type("application/json".into());
        let mut headers = FieldTable::default();
        let mut times = 1;
        for step in &script.steps {
            match &*step.verb {
                "type" => properties = properties.with_content_type(step.words.as_str().into()),
                "untyped" => properties = BasicProperties::default(),
                "header" => {
                    let (name, value) = step.words.split_once(' ').context("NAME VALUE")?;
                    let value = String::from_utf8(expand(value, &nothing)?)?;
                    headers.insert(name.into(), AMQPValue::LongString(value.into()));
                }
                "headers" => {
                    for number in 0..step.words.parse()? {
                        let value = AMQPValue::LongInt(number);
                        headers.insert(format!("h{number}").into(), value);
                    }
                }
                "times" => times = step.words.parse()?,
                "publish" => {
                    let body = expand(step.text.trim_end_matches('\n'), &nothing)?;
                    let properties = properties.clone().with_headers(headers.clone());
                    judge.requests += times;
                    self.publish(&body, &properties, times)?;
                }
                verb => bail!("unknown verb: {verb}"),
            }
        }
        Ok(())
    }

    /// Comes back where the broker itself refuses a message.
    fn publish(
        &mut self,
        body: &[u8],
        properties: &BasicProperties,
        times: u64,
    ) -> anyhow::Result<()> {
        let sent = self.runtime.block_on(async {
            for _ in 0..times {
                let publish = self.channel.basic_publish(
                    self.exchange.as_str().into(),
                    "springCloudBus".into(),
                    BasicPublishOptions::default(),
                    body,
                    properties.clone(),
                );
                tokio::time::timeout(WAIT, publish).await??.await?;
            }
            anyhow::Ok(())
        });
        if sent.is_err() {
            let (connection, channel) =
                self.runtime.block_on(channel(&self.url, &self.exchange))?;
            self._connection = connection;
            self.channel = channel;
        }
        Ok(())
    }
}

async fn channel(url: &str, exchange: &str) -> anyhow::Result<(Connection, Channel)> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let durable = ExchangeDeclareOptions {
        durable: true,
        ..ExchangeDeclareOptions::default()
    };
    let none = FieldTable::default();
    channel
        .exchange_declare(exchange.into(), ExchangeKind::Topic, durable, none)
        .await?;
    Ok((connection, channel))
}
