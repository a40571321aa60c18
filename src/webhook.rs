//! Webhooks: from a delivery to what was pushed, and whether it may be believed.
//!
//! Nothing here answers, fetches or publishes. A delivery is a hint to look again: what really changed, the repository
//! tells.

mod deliveries;
mod guess;
mod payload;
pub(crate) mod signature;

use std::net::IpAddr;

use confbus_protocol::CommitId;
use http::HeaderMap;
use ipnet::IpNet;

pub(crate) use deliveries::Deliveries;
pub(crate) use guess::names as guess_names;
pub(crate) use payload::{form_paths, recognise};
pub(crate) use signature::Secret;

/// Who may push, and how deliveries are read.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `…monitor.github`.
    pub(crate) github: ProviderSettings,
    /// `…monitor.gitlab`.
    pub(crate) gitlab: ProviderSettings,
    /// `…monitor.bitbucket`, cloud and data center.
    pub(crate) bitbucket: ProviderSettings,
    /// `…monitor.gitea`.
    pub(crate) gitea: ProviderSettings,
    /// `…monitor.gitee`.
    pub(crate) gitee: ProviderSettings,
    /// `…monitor.gogs`.
    pub(crate) gogs: ProviderSettings,
    /// `…monitor.validation-filter-enabled`, on by default: deliveries prove who sent them.
    pub(crate) validation: bool,
    /// Nothing that a delivery causes can be seen from elsewhere: the server listens on this machine only, and its bus is
    /// switched off. Then, as long as no secret is set at all, deliveries need none.
    pub(crate) stays_here: bool,
    /// `confbus.monitor.sources`: from where deliveries may come; empty for everywhere, the default.
    pub(crate) sources: Vec<IpNet>,
    /// `…monitor.max-paths`, 20: with more paths than these, everyone is guessed.
    pub(crate) max_paths: usize,
    /// `…monitor.max-dashes`, 20: for a file name with more dashes than these, everyone is guessed.
    pub(crate) max_dashes: usize,
}

/// One git host.
#[derive(Debug, Clone)]
pub(crate) struct ProviderSettings {
    /// Its deliveries are read; on by default.
    pub(crate) enabled: bool,
    /// What its deliveries are signed with, two while it is being changed; none by default, and then they are refused.
    pub(crate) secrets: Vec<Secret>,
    /// `validation-enabled`, on by default: its deliveries prove who sent them.
    pub(crate) validation: bool,
}

/// A git host that sends webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provider {
    Github,
    Gitlab,
    Bitbucket,
    Gitea,
    Gitee,
    Gogs,
}

/// Whose deliveries are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Believed {
    /// Without proof, of everybody who says to be one of these.
    Strangers(Vec<Provider>),
    /// Without proof, of this machine alone.
    ThisMachine,
    /// With a signature, of these.
    Signed(Vec<Provider>),
    /// No secret is set.
    Nobody,
}

/// What a delivery says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pushed {
    /// `refs/heads/main`, as the payload says.
    pub(crate) reference: Option<String>,
    /// The commit that the branch or tag names after the push; `None` when it is gone, or the delivery does not say.
    pub(crate) after: Option<CommitId>,
    /// The files that were touched; empty when the delivery does not say.
    pub(crate) paths: Vec<String>,
    /// Whom Spring would tell, guessed from the names of the files.
    pub(crate) guessed: Vec<String>,
}

impl Pushed {
    /// The one branch that was pushed, if the delivery names one.
    pub(crate) fn branch(&self) -> Option<&str> {
        let reference = self.branch_or_tag()?;
        reference.starts_with("refs/heads/").then_some(reference)
    }

    /// The one branch or tag that was pushed, if the delivery names one.
    pub(crate) fn branch_or_tag(&self) -> Option<&str> {
        let reference = self.reference.as_deref()?;
        let is_whole = |prefix| {
            let name = reference.strip_prefix(prefix);
            name.is_some_and(|name| !name.is_empty())
        };
        (is_whole("refs/heads/") || is_whole("refs/tags/")).then_some(reference)
    }
}

impl Default for Settings {
    fn default() -> Self {
        let provider = ProviderSettings::default();
        Self {
            github: provider.clone(),
            gitlab: provider.clone(),
            bitbucket: provider.clone(),
            gitea: provider.clone(),
            gitee: provider.clone(),
            gogs: provider,
            validation: true,
            stays_here: false,
            sources: Vec::new(),
            max_paths: 20,
            max_dashes: 20,
        }
    }
}

impl Default for ProviderSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            secrets: Vec::new(),
            validation: true,
        }
    }
}

impl Settings {
    /// The settings of one git host.
    pub(crate) fn of(&self, provider: Provider) -> &ProviderSettings {
        match provider {
            Provider::Github => &self.github,
            Provider::Gitlab => &self.gitlab,
            Provider::Bitbucket => &self.bitbucket,
            Provider::Gitea => &self.gitea,
            Provider::Gitee => &self.gitee,
            Provider::Gogs => &self.gogs,
        }
    }

    /// Whether a delivery from this machine needs no proof.
    pub(crate) fn believes_this_machine(&self) -> bool {
        let has_secret = |provider| !self.of(provider).secrets.is_empty();
        self.stays_here && !Provider::ALL.into_iter().any(has_secret)
    }

    /// Whose deliveries are believed, where nobody proves to be one who may.
    pub(crate) fn believed(&self) -> Believed {
        let is_meant = |provider: &Provider| self.of(*provider).enabled;
        let providers = Provider::ALL.into_iter().filter(is_meant);
        if self.believes_strangers() {
            let is_open = |provider: &Provider| !(self.validation && self.of(*provider).validation);
            return Believed::Strangers(providers.filter(is_open).collect());
        }
        if self.believes_this_machine() {
            return Believed::ThisMachine;
        }
        let is_signed = |provider: &Provider| !self.of(*provider).secrets.is_empty();
        let signed: Vec<_> = providers.filter(is_signed).collect();
        if signed.is_empty() {
            return Believed::Nobody;
        }
        Believed::Signed(signed)
    }

    /// Whether deliveries may come from there.
    pub(crate) fn takes_from(&self, peer: IpAddr) -> bool {
        self.sources.is_empty() || self.sources.iter().any(|net| net.contains(&peer))
    }

    /// Whether some deliveries are believed without proof.
    fn believes_strangers(&self) -> bool {
        let unchecked = |provider| {
            let settings = self.of(provider);
            settings.enabled && !settings.validation
        };
        !self.validation || Provider::ALL.into_iter().any(unchecked)
    }
}

impl Provider {
    pub(crate) const ALL: [Self; 6] = [
        Self::Github,
        Self::Gitlab,
        Self::Bitbucket,
        Self::Gitea,
        Self::Gitee,
        Self::Gogs,
    ];

    /// Their names, one after the other.
    pub(crate) fn names(providers: &[Self]) -> String {
        let names: Vec<_> = providers.iter().map(|provider| provider.name()).collect();
        names.join(", ")
    }

    /// The name in settings: `spring.cloud.config.server.monitor.<name>`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Bitbucket => "bitbucket",
            Self::Gitea => "gitea",
            Self::Gitee => "gitee",
            Self::Gogs => "gogs",
        }
    }

    /// Whose delivery it says it is. Some say it in the words of others besides their own.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let own_words_first = [
            Self::Gitea,
            Self::Gogs,
            Self::Gitee,
            Self::Gitlab,
            Self::Bitbucket,
            Self::Github,
        ];
        let mut all = own_words_first.into_iter();
        all.find(|provider| headers.contains_key(provider.event_header()))
    }

    /// The header that says what happened.
    fn event_header(self) -> &'static str {
        match self {
            Self::Github => "x-github-event",
            Self::Gitlab => "x-gitlab-event",
            Self::Bitbucket => "x-event-key",
            Self::Gitea => "x-gitea-event",
            Self::Gitee => "x-git-oschina-event",
            Self::Gogs => "x-gogs-event",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_once_who_is_believed() {
        let mut settings = Settings::default();
        assert_eq!(settings.believed(), Believed::Nobody);
        settings.stays_here = true;
        assert_eq!(settings.believed(), Believed::ThisMachine);
        settings.gitea.secrets.extend(Secret::new("a secret"));
        assert_eq!(settings.believed(), Believed::Signed(vec![Provider::Gitea]));
        settings.gitlab.validation = false;
        assert_eq!(
            settings.believed(),
            Believed::Strangers(vec![Provider::Gitlab])
        );
        settings.validation = false;
        settings.gogs.enabled = false;
        let Believed::Strangers(all) = settings.believed() else {
            panic!("{:?}", settings.believed());
        };
        assert_eq!(
            Provider::names(&all),
            "github, gitlab, bitbucket, gitea, gitee"
        );
    }
}
