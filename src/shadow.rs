//! Asks two servers the same and tells where their answers differ: the rehearsal before one takes the other's place.
//!
//! Only reads are sent, so neither server is changed. Property values, bodies and credentials are never written anywhere,
//! except for differing values when they are asked for.

mod compare;
mod deliberate;
mod difference;
mod environment;
mod normal;
mod report;
mod request;
mod request_list;
mod server;
mod wire;

use std::{io, process::ExitCode, time::Duration};

use anyhow::Context as _;
use confbus::{
    Sources,
    telemetry::{self, LogFormat},
};
use futures_util::{StreamExt as _, stream};

use crate::{
    cli::ShadowArgs,
    exit::{Exit, Failure, OrExit as _},
    own_server::OwnServer,
    talk,
};
use compare::{Verdict, compare};
use difference::Values;
use normal::Checkouts;
use report::{Counts, Form, Report};
pub(crate) use request::Header;
use request_list::{Listed, RequestList};
pub(crate) use server::Server;
pub(crate) use wire::Answer;
use wire::NoAnswer;

/// What our own server says of requests that fail is no news here: it shows as a difference.
const LOG: &str = "warn,confbus::http=off";

/// Compares until the list ends; success means that all answers were the same.
pub(crate) async fn run(args: ShadowArgs) -> Result<ExitCode, Failure> {
    let _log = telemetry::init(LogFormat::Text, LOG)?;
    let plan = Plan::of(&args).or_exit(Exit::Usage)?;
    plan.old
        .reach()
        .await
        .with_context(|| format!("{} cannot be asked", plan.old))
        .or_exit(Exit::Unreachable)?;
    let counts = match plan.new.clone() {
        Some(new) => {
            new.reach()
                .await
                .with_context(|| format!("{new} cannot be asked"))
                .or_exit(Exit::Unreachable)?;
            plan.compare_with(&new).await?
        }
        None => {
            let properties = args.properties.pairs().or_exit(Exit::Usage)?;
            let sources = Sources::of_process(args.config, properties);
            let own = OwnServer::bind(sources, plan.old.base()).await?;
            let new = plan.old.moved_to(own.address()?);
            own.serve_during(plan.compare_with(&new)).await?
        }
    };
    let alike = counts.different == 0 && counts.unanswered == 0;
    Ok(
        if alike && (counts.deliberate == 0 || args.allow_deliberate) {
            Exit::Yes
        } else {
            Exit::No
        }
        .into(),
    )
}

/// Everything that can be known before the first request.
struct Plan {
    old: Server,
    /// `None` is a server of our own.
    new: Option<Server>,
    list: RequestList,
    /// Sent with every request.
    common: Vec<Header>,
    parallel: usize,
    values: Values,
    form: Form,
}

impl Plan {
    fn of(args: &ShadowArgs) -> anyhow::Result<Self> {
        let timeout = Duration::from_secs(args.timeout);
        let header = |text: &crate::cli::Unshown| Header::parse(&text.0).context("--header");
        Ok(Self {
            old: Server::parse(&args.against.0, timeout).context("--against")?,
            new: args
                .server
                .as_ref()
                .map(|address| Server::parse(&address.0, timeout).context("--server"))
                .transpose()?,
            list: RequestList::read(&args.requests, args.most)?,
            common: args.headers.iter().map(header).collect::<Result<_, _>>()?,
            parallel: args.parallel.into(),
            values: if args.show_values {
                Values::Shown
            } else {
                Values::Hidden
            },
            form: if args.json { Form::Json } else { Form::Lines },
        })
    }

    async fn compare_with(&self, new: &Server) -> anyhow::Result<Counts> {
        let mut report = Report::new(self.form, io::stdout());
        let mut checkouts = Checkouts::default();
        let asked = self
            .list
            .requests
            .iter()
            .map(|listed| self.ask_both(listed, new));
        let mut asked = stream::iter(asked).buffered(self.parallel);
        while let Some((listed, answers)) = asked.next().await {
            let verdict = match answers {
                (Ok(old), Ok(new)) => {
                    compare(&listed.request, old, new, &mut checkouts, self.values)
                }
                (Err(cause), _) => Verdict::Unanswered("the old server", cause),
                (_, Err(cause)) => Verdict::Unanswered("the new server", cause),
            };
            talk::written(report.tell(listed, &verdict))?;
        }
        self.remark(&report.counts);
        talk::written(report.finish())?;
        Ok(report.counts)
    }

    async fn ask_both<'a>(
        &self,
        listed: &'a Listed,
        new: &Server,
    ) -> (
        &'a Listed,
        (Result<Answer, NoAnswer>, Result<Answer, NoAnswer>),
    ) {
        let [old, new] = [&self.old, new].map(|server| server.ask(&listed.request, &self.common));
        (listed, tokio::join!(old, new))
    }

    /// What the summary does not say.
    fn remark(&self, counts: &Counts) {
        if self.list.left_out > 0 {
            talk::note(format!(
                "{} lines of the log are no reads and were left out",
                self.list.left_out
            ));
        }
        if self.list.cut {
            let most = self.list.requests.len();
            talk::note(format!(
                "there were more than {most} requests; --most=NUMBER takes more"
            ));
        }
        if counts.refused > 0 {
            talk::note(format!(
                "both servers refused {} requests with 401 or 403; credentials go into the addresses or --header",
                counts.refused
            ));
        }
        if self.values == Values::Hidden && counts.different + counts.deliberate > 0 {
            talk::note("values are hidden; --show-values shows those that differ");
        }
    }
}
