use confbus_protocol::CommitId;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use url::Url;

use super::{
    project::Project,
    status::{State, Status},
};
use crate::network;

/// What may stand in a segment of a path as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Below the address of a GitLab.
const GITLAB_API: &str = "api/v4";

/// Whose API a host speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    GitHub,
    GitLab,
    /// Forgejo, too.
    Gitea,
}

/// The API of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    kind: Kind,
    api: Url,
    /// Only repositories that lie there belong to this API; empty where somebody says which API it is.
    names: &'static [&'static str],
}

/// The status as all three read it.
#[derive(Serialize)]
struct Body<'a> {
    state: &'static str,
    context: &'a str,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_url: Option<&'a str>,
}

impl Host {
    /// The one that everybody means; `None` where each has its own.
    pub(crate) fn usual(kind: Kind) -> Option<Self> {
        let (api, names) = match kind {
            Kind::GitHub => ("https://api.github.com", &["github.com", "ssh.github.com"]),
            Kind::GitLab => (
                "https://gitlab.com/api/v4",
                &["gitlab.com", "altssh.gitlab.com"],
            ),
            Kind::Gitea => return None,
        };
        let api = Url::parse(api).ok()?;
        Some(Self { kind, api, names })
    }

    /// The one with its API at this address; `None` when that is no plain address of a web server.
    pub(crate) fn at(kind: Kind, api: &str) -> Option<Self> {
        let api = Url::parse(api).ok()?;
        let is_plain = matches!(api.scheme(), "http" | "https")
            && api.username().is_empty()
            && api.password().is_none()
            && api.query().is_none()
            && api.fragment().is_none();
        let names = &[];
        is_plain.then_some(Self { kind, api, names })
    }

    pub(crate) fn is_https(&self) -> bool {
        self.api.scheme() == "https"
    }

    /// Whether the API is asked within this machine.
    pub(crate) fn is_here(&self) -> bool {
        self.api.host_str().is_some_and(network::is_here)
    }

    /// Where statuses of a commit go; `None` when the repository is none of this host.
    pub(super) fn address(&self, repository: &str, commit: CommitId) -> Option<Url> {
        let project = Project::of(repository)?;
        let is_ours = self.names.is_empty() || self.names.contains(&project.host.as_str());
        let project = self.encoded(project.path);
        let path = match self.kind {
            Kind::GitHub => format!("repos/{project}/statuses/{commit}"),
            Kind::GitLab => format!("projects/{project}/statuses/{commit}"),
            Kind::Gitea => format!("api/v1/repos/{project}/statuses/{commit}"),
        };
        let api = self.api.as_str().trim_end_matches('/');
        let address = Url::parse(&format!("{api}/{path}")).ok();
        address.filter(|_| is_ours)
    }

    /// A project as it stands in an address: GitLab takes groups within groups, as one segment; the others an owner and a
    /// repository.
    fn encoded(&self, mut path: Vec<String>) -> String {
        let encode = |text: &str| utf8_percent_encode(text, SEGMENT).to_string();
        if self.kind == Kind::GitLab {
            let folder = self.folder();
            let below = path.strip_prefix(folder.as_slice());
            let below = below.filter(|below| below.len() > 1).unwrap_or(&path);
            return encode(&below.join("/"));
        }
        let segments = path.split_off(path.len().saturating_sub(2));
        let segments = segments.iter().map(|segment| encode(segment));
        segments.collect::<Vec<_>>().join("/")
    }

    /// Where below its web server a GitLab lies: addresses of repositories begin with that, too.
    fn folder(&self) -> Vec<String> {
        let path = self.api.path().trim_matches('/');
        let folder = path.strip_suffix(GITLAB_API).unwrap_or_default();
        let segments = folder.split('/').filter(|segment| !segment.is_empty());
        segments.map(str::to_owned).collect()
    }

    /// What goes along with a status. `None` when the token cannot stand in a header.
    pub(super) fn headers(&self, token: &str) -> Option<HeaderMap> {
        let (name, value) = match self.kind {
            Kind::GitHub => (header::AUTHORIZATION, format!("Bearer {token}")),
            Kind::GitLab => (HeaderName::from_static("private-token"), token.to_owned()),
            Kind::Gitea => (header::AUTHORIZATION, format!("token {token}")),
        };
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        let (mut accept, mut headers) = ("application/json", HeaderMap::new());
        if self.kind == Kind::GitHub {
            accept = "application/vnd.github+json";
            let version = HeaderName::from_static("x-github-api-version");
            headers.insert(version, HeaderValue::from_static("2022-11-28"));
        }
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        headers.insert(name, value);
        Some(headers)
    }

    /// A status as JSON.
    pub(super) fn body(&self, status: &Status, context: &str, target_url: Option<&str>) -> String {
        let body = Body {
            state: match (status.state(), self.kind) {
                (State::Success, _) => "success",
                (State::Failure, Kind::GitLab) => "failed",
                (State::Failure, Kind::GitHub | Kind::Gitea) => "failure",
            },
            context,
            description: status.description(self.longest_description()),
            target_url,
        };
        serde_json::to_string(&body).expect("texts are JSON")
    }

    /// In characters.
    fn longest_description(&self) -> usize {
        match self.kind {
            Kind::GitHub => 140,
            Kind::GitLab | Kind::Gitea => 255,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commit_status::status::testing::{held, served};

    const COMMIT: &str = "4e81d074e81d074e81d074e81d074e81d074e81d";

    fn address(host: &Host, repository: &str) -> Option<String> {
        let commit = CommitId::parse(COMMIT).unwrap();
        let address = host.address(repository, commit)?;
        let address = address.as_str().strip_suffix(COMMIT).unwrap();
        Some(address.strip_suffix("/statuses/").unwrap().to_owned())
    }

    #[test]
    fn each_kind_has_its_addresses() {
        let usual = |kind| Host::usual(kind).unwrap();
        let at = |kind, api| Host::at(kind, api).unwrap();
        for (host, repository, expected) in [
            (
                usual(Kind::GitHub),
                "git@github.com:acme/config.git",
                "https://api.github.com/repos/acme/config",
            ),
            (
                at(Kind::GitHub, "https://git.example/api/v3/"),
                "https://git.example/acme/my%20config",
                "https://git.example/api/v3/repos/acme/my%20config",
            ),
            (
                usual(Kind::GitLab),
                "https://gitlab.com/acme/team/config.git",
                "https://gitlab.com/api/v4/projects/acme%2Fteam%2Fconfig",
            ),
            (
                at(Kind::GitLab, "https://example.org/gitlab/api/v4"),
                "https://example.org/gitlab/acme/conf.ig",
                "https://example.org/gitlab/api/v4/projects/acme%2Fconf.ig",
            ),
            (
                at(Kind::GitLab, "https://example.org/gitlab/api/v4"),
                "git@example.org:acme/config.git",
                "https://example.org/gitlab/api/v4/projects/acme%2Fconfig",
            ),
            (
                at(Kind::Gitea, "http://gitea:3000"),
                "ssh://git@gitea:2222/acme/config.git",
                "http://gitea:3000/api/v1/repos/acme/config",
            ),
            (
                at(Kind::Gitea, "https://example.org/git/"),
                "https://example.org/git/acme/config",
                "https://example.org/git/api/v1/repos/acme/config",
            ),
        ] {
            let found = address(&host, repository);
            assert_eq!(found.as_deref(), Some(expected), "{repository}");
        }
    }

    #[test]
    fn what_lies_elsewhere_is_not_told_there() {
        let github = Host::usual(Kind::GitHub).unwrap();
        for repository in ["https://gitlab.com/acme/config", "/srv/acme/config.git"] {
            assert_eq!(address(&github, repository), None, "{repository}");
        }
        assert_eq!(Host::usual(Kind::Gitea), None);
    }

    #[test]
    fn an_api_is_an_address_without_anything_else() {
        for refused in [
            "gitea:3000",
            "ftp://gitea",
            "https://ana:s3cret@gitea",
            "https://gitea/?a=b",
            "https://gitea/#top",
        ] {
            assert_eq!(Host::at(Kind::Gitea, refused), None, "{refused}");
        }
    }

    #[test]
    fn bodies_say_what_is_documented() {
        let body = |kind, status: &Status, url| {
            let host = Host::at(kind, "https://git.example").unwrap();
            host.body(status, "confbus", url)
        };
        assert_eq!(
            body(
                Kind::GitHub,
                &served(),
                Some("https://wiki.example/confbus")
            ),
            r#"{"state":"success","context":"confbus","description":"served","target_url":"https://wiki.example/confbus"}"#
        );
        let description = "orders.yml:3:5: expected a value; held at 0303030";
        let expected = |state: &str| {
            format!(r#"{{"state":"{state}","context":"confbus","description":"{description}"}}"#)
        };
        assert_eq!(body(Kind::GitHub, &held(), None), expected("failure"));
        assert_eq!(body(Kind::Gitea, &held(), None), expected("failure"));
        assert_eq!(body(Kind::GitLab, &held(), None), expected("failed"));
    }

    #[test]
    fn tokens_go_where_each_kind_looks_and_are_not_shown() {
        for (kind, name, value) in [
            (Kind::GitHub, "authorization", "Bearer s3cret"),
            (Kind::GitLab, "private-token", "s3cret"),
            (Kind::Gitea, "authorization", "token s3cret"),
        ] {
            let host = Host::at(kind, "https://git.example").unwrap();
            let headers = host.headers("s3cret").unwrap();
            assert_eq!(headers[name], value);
            assert!(!format!("{headers:?}").contains("s3cret"));
            assert_eq!(host.headers("a\nb"), None);
        }
    }
}
