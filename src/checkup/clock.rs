use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};
use reqwest::header::DATE;
use url::Url;

use super::{Finding, Verdict, fixed, git_repositories};
use crate::{settings::Settings, tls};

const NAME: &str = "clock";
const WITHIN: Duration = Duration::from_secs(5);
/// Seconds beyond which tokens and certificates are judged wrongly.
const MUCH: i64 = 30;

/// The first host of a repository that tells the time with its answers, without path and credentials.
pub(super) fn somebody(settings: &Settings) -> Option<Url> {
    git_repositories(settings).find_map(|repository| {
        let mut url = Url::parse(fixed(&repository.uri)?).ok()?;
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        url.set_username("").ok()?;
        url.set_password(None).ok()?;
        url.set_query(None);
        url.set_path("/");
        Some(url)
    })
}

/// Compares our clock with that of a host; its own counts whole seconds.
pub(super) async fn look(host: &Url) -> Finding {
    let name = host.host_str().unwrap_or_default().to_owned();
    match asked(host).await {
        Ok(theirs) => {
            let off = Timestamp::now().as_second() - theirs.as_second();
            let text = format!("{off} s apart from {name}");
            if off.abs() > MUCH {
                return Finding::new(NAME, Verdict::Doubtful, text)
                    .help("have NTP set the clock of this machine");
            }
            Finding::good(NAME, text)
        }
        Err(error) => Finding::new(
            NAME,
            Verdict::Skipped,
            format!("{name} tells no time: {error}"),
        ),
    }
}

async fn asked(host: &Url) -> Result<Timestamp, String> {
    let http = tls::client(host.scheme() == "https")?
        .timeout(WITHIN)
        .build()
        .map_err(|error| error.to_string())?;
    let answer = http.head(host.clone()).send().await.map_err(tls::cause)?;
    let date = answer
        .headers()
        .get(DATE)
        .and_then(|date| date.to_str().ok());
    let date = date.ok_or("no date in the answer")?;
    let date = rfc2822::parse(date).map_err(|error| error.to_string())?;
    Ok(date.timestamp())
}
