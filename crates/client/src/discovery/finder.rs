use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use secrecy::SecretString;
use tokio::time::{Instant, timeout};
use tracing::{debug, info, warn};

use super::{Discovery, Instance};
use crate::{
    error::{Attempt, Failure, Unavailable},
    health::DiscoveryHealth,
    jitter,
    servers::Servers,
    settings::Server,
    store::lock,
};

/// How often the registry is asked; Eureka's own caches are as old.
const INTERVAL: Duration = Duration::from_secs(30);
/// For one question to a registry, whatever it does meanwhile.
const PATIENCE: Duration = Duration::from_secs(10);
/// A registry is not asked more often than this, however many wait for it.
const SHORTEST: Duration = Duration::from_secs(1);
/// More servers than these are no use to a client.
const MOST: usize = 64;

/// Which service to look for, and where.
#[derive(Clone)]
pub(crate) struct Wanted {
    pub(crate) service: String,
    pub(crate) registry: Arc<dyn Discovery>,
    /// For servers that say none of their own.
    pub(crate) user: Option<String>,
    pub(crate) password: Option<SecretString>,
}

/// Keeps the list of servers as a registry has it.
pub(crate) struct Finder {
    wanted: Wanted,
    servers: Arc<Servers>,
    /// When the registry was asked last; one question at a time.
    asked: tokio::sync::Mutex<Option<Instant>>,
    health: Mutex<DiscoveryHealth>,
}

impl Finder {
    pub(crate) fn new(wanted: Wanted, servers: Arc<Servers>) -> Self {
        let health = DiscoveryHealth {
            service: wanted.service.clone(),
            registry: wanted.registry.name(),
            last_found: None,
            problem: None,
        };
        Self {
            wanted,
            servers,
            asked: tokio::sync::Mutex::default(),
            health: Mutex::new(health),
        }
    }

    pub(crate) fn health(&self) -> DiscoveryHealth {
        lock(&self.health).clone()
    }

    /// Why there is no server to ask.
    pub(crate) fn nobody(&self) -> Unavailable {
        let DiscoveryHealth {
            registry, problem, ..
        } = self.health();
        let problem = problem.unwrap_or_else(|| "was not asked yet".to_owned());
        Unavailable(vec![Attempt {
            server: registry,
            failure: Failure::Undiscovered(problem),
        }])
    }

    /// Asks now and then, for ever.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut failures = 0_u32;
        loop {
            let pause = match failures {
                0 => jitter::around(INTERVAL),
                failures => jitter::backoff(failures),
            };
            tokio::time::sleep(pause).await;
            self.look().await;
            failures = match self.health().problem {
                Some(_) => failures.saturating_add(1),
                None => 0,
            };
        }
    }

    /// Asks the registry, unless somebody has just done so. Answers whether there are other servers now.
    pub(crate) async fn look(&self) -> bool {
        let mut asked = self.asked.lock().await;
        if asked.is_some_and(|at| at.elapsed() < SHORTEST) {
            return false;
        }
        let Wanted {
            service, registry, ..
        } = &self.wanted;
        let found = timeout(PATIENCE, registry.instances(service)).await;
        *asked = Some(Instant::now());
        let problem = match found {
            Ok(Ok(instances)) => match self.servers_of(&instances) {
                servers if servers.is_empty() => format!("nobody offers `{service}`"),
                servers => return self.found(&servers),
            },
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        self.failed(problem);
        false
    }

    fn found(&self, servers: &[Server]) -> bool {
        let is_other = self.servers.replace(servers);
        let mut health = lock(&self.health);
        health.last_found = Some(SystemTime::now());
        let was_wrong = health.problem.take().is_some();
        if is_other || was_wrong {
            let service = &self.wanted.service;
            info!(service, count = servers.len(), "the registry names servers");
        }
        is_other
    }

    /// What was found before stays: a registry that has just started knows nobody.
    fn failed(&self, problem: String) {
        let (service, registry) = (&self.wanted.service, self.wanted.registry.name());
        let mut health = lock(&self.health);
        if health.problem.as_ref() == Some(&problem) {
            debug!(
                service,
                registry, problem, "still no servers from the registry"
            );
        } else {
            warn!(
                service,
                registry, problem, "no servers from the registry; those that are known are asked"
            );
        }
        health.problem = Some(problem);
    }

    /// Those that can be asked, each once; what is no address is left out.
    fn servers_of(&self, instances: &[Instance]) -> Vec<Server> {
        let mut servers = Vec::new();
        for instance in instances {
            match self.wanted.server(instance) {
                Ok(server) if servers.len() < MOST && !servers.contains(&server) => {
                    servers.push(server);
                }
                Ok(_) => {}
                Err(problem) => debug!(problem, "an instance is left out"),
            }
        }
        servers
    }
}

impl Wanted {
    /// Its own credentials win over those of the settings, as with Spring.
    fn server(&self, instance: &Instance) -> Result<Server, String> {
        let path = instance.value("configPath").unwrap_or_default();
        let address = format!("{}/{path}", instance.address);
        match instance.value("password") {
            Some(password) => {
                let password = SecretString::from(password);
                let user = instance.value("user").unwrap_or("user");
                Server::parse(&address, Some(user), Some(&password))
            }
            None => Server::parse(&address, self.user.as_deref(), self.password.as_ref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::{
        Balance, FailOver,
        discovery::{DiscoveryError, Found},
    };

    type Says = Result<Vec<Instance>, DiscoveryError>;

    /// Answers what it was told to, and then that it is away.
    #[derive(Clone, Default)]
    struct Registry(Arc<Mutex<VecDeque<Says>>>);

    impl Discovery for Registry {
        fn name(&self) -> String {
            "a registry".to_owned()
        }

        fn instances<'a>(&'a self, _: &'a str) -> Found<'a> {
            let says = self.0.lock().unwrap().pop_front();
            Box::pin(async move { says.unwrap_or_else(|| Err(DiscoveryError::new("it is away"))) })
        }
    }

    fn wanted(registry: Registry) -> Wanted {
        Wanted {
            service: "configserver".to_owned(),
            registry: Arc::new(registry),
            user: Some("ana".to_owned()),
            password: Some("own".into()),
        }
    }

    fn finder(says: impl IntoIterator<Item = Says>) -> Finder {
        let registry = Registry::default();
        registry.0.lock().unwrap().extend(says);
        let servers = Servers::new(&[], FailOver::Always, Balance::InOrder, "x:1:y");
        Finder::new(wanted(registry), Arc::new(servers))
    }

    fn named(finder: &Finder) -> Vec<String> {
        let all = finder.servers.all();
        all.iter().map(|known| known.server.to_string()).collect()
    }

    /// The next question comes late enough to be asked.
    async fn look(finder: &Finder) -> bool {
        tokio::time::advance(SHORTEST).await;
        finder.look().await
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_found_stays_while_the_registry_knows_nobody() {
        let instance = |name: &str| Instance::new(format!("http://{name}:8888"));
        let finder = finder([
            Ok(vec![instance("a"), instance("b")]),
            Ok(Vec::new()),
            Err(DiscoveryError::new("status 503")),
            Ok(vec![instance("b"), instance("a")]),
            Ok(vec![instance("b"), instance("b"), Instance::new("b:8888")]),
        ]);
        assert!(look(&finder).await);
        assert!(finder.health().last_found.is_some());
        for problem in ["nobody offers `configserver`", "status 503"] {
            assert!(!look(&finder).await);
            assert_eq!(finder.health().problem.as_deref(), Some(problem));
            assert_eq!(named(&finder), ["http://a:8888", "http://b:8888"]);
        }
        assert!(!look(&finder).await, "the same ones");
        assert_eq!(finder.health().problem, None);
        assert!(look(&finder).await);
        assert_eq!(named(&finder), ["http://b:8888"]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_in_vain_asks_once() {
        let finder = finder([Ok(Vec::new()), Ok(vec![Instance::new("http://a")])]);
        finder.look().await;
        assert!(!finder.look().await);
        assert!(named(&finder).is_empty());
        assert!(look(&finder).await);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_asked_again_and_again() {
        let finder = Arc::new(finder([Ok(vec![Instance::new("http://a")])]));
        let run = Arc::clone(&finder).run();
        _ = timeout(INTERVAL * 2, run).await;
        assert_eq!(named(&finder), ["http://a"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_followed_up_soon_and_a_success_is_not() {
        let instance = || Ok(vec![Instance::new("http://a")]);
        let failure = || Err(DiscoveryError::new("status 503"));
        let says = [failure(), failure()].into_iter();
        let registry = Registry::default();
        let left = Arc::clone(&registry.0);
        left.lock()
            .unwrap()
            .extend(says.chain(std::iter::repeat_with(instance).take(60)));
        let servers = Servers::new(&[], FailOver::Always, Balance::InOrder, "x:1:y");
        let finder = Arc::new(Finder::new(wanted(registry), Arc::new(servers)));
        _ = timeout(INTERVAL * 2, Arc::clone(&finder).run()).await;
        assert_eq!(named(&finder), ["http://a"], "not an interval later");
        _ = timeout(INTERVAL * 4, Arc::clone(&finder).run()).await;
        let asked = 62 - left.lock().unwrap().len();
        assert!((4..=10).contains(&asked), "{asked}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_servers_are_kept_than_are_of_use() {
        let instances = (0..MOST + 9).map(|number| Instance::new(format!("http://s{number}")));
        let finder = finder([Ok(instances.collect())]);
        assert!(look(&finder).await);
        assert_eq!(named(&finder).len(), MOST);
    }

    /// Never answers.
    struct Silent;

    impl Discovery for Silent {
        fn name(&self) -> String {
            "a registry".to_owned()
        }

        fn instances<'a>(&'a self, _: &'a str) -> Found<'a> {
            Box::pin(std::future::pending())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_registry_that_is_silent_is_not_waited_for() {
        let servers = Servers::new(&[], FailOver::Always, Balance::InOrder, "x:1:y");
        let wanted = Wanted {
            registry: Arc::new(Silent),
            ..wanted(Registry::default())
        };
        let finder = Finder::new(wanted, Arc::new(servers));
        let began = Instant::now();
        assert!(!finder.look().await);
        assert_eq!(began.elapsed(), PATIENCE);
        let problem = finder.health().problem;
        assert_eq!(problem.as_deref(), Some("no answer in time"));
    }

    #[test]
    fn metadata_says_where_routes_begin_and_what_opens_them() {
        let wanted = wanted(Registry::default());
        let own = Server::parse("http://h", Some("ana"), Some(&"own".into())).unwrap();
        for (path, expected) in [
            (None, "http://h:8888"),
            (Some("/config"), "http://h:8888/config"),
            (Some("config/"), "http://h:8888/config"),
            (Some("/"), "http://h:8888"),
        ] {
            let mut instance = Instance::new("http://h:8888");
            if let Some(path) = path {
                instance = instance.metadata("configPath", path);
            }
            let server = wanted.server(&instance).unwrap();
            assert_eq!(server.to_string(), expected);
            assert_eq!(server.authorization(), own.authorization());
        }
        let instance = Instance::new("http://h").metadata("password", "s3cret");
        let server = wanted.server(&instance).unwrap();
        let expected = Server::parse("http://user:s3cret@h", None, None).unwrap();
        assert_eq!(server.authorization(), expected.authorization());
        let server = wanted
            .server(&instance.clone().metadata("user", "jo"))
            .unwrap();
        let expected = Server::parse("http://jo:s3cret@h", None, None).unwrap();
        assert_eq!(server.authorization(), expected.authorization());
        assert!(!format!("{instance:?}").contains("s3cret"));
    }
}
