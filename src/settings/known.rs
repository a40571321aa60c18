use super::layers::uniform;
use crate::closest::closest;

/// Every key that is read, in Spring's spelling; `*` stands for keys of the user's own.
pub(super) const KEYS: &[&str] = &[
    "confbus.acceptance.ciphers",
    "confbus.acceptance.known-placeholders",
    "confbus.acceptance.placeholders",
    "confbus.acceptance.schemas",
    "confbus.bus.json",
    "confbus.bus.routing",
    "confbus.commit-status.api-url",
    "confbus.commit-status.context",
    "confbus.commit-status.kind",
    "confbus.commit-status.target-url",
    "confbus.commit-status.token-file",
    "confbus.encrypt.decrypt-endpoint",
    "confbus.git.clone-deadline",
    "confbus.git.deadline",
    "confbus.git.freshness",
    "confbus.git.placeholder-values",
    "confbus.ledger.directory",
    "confbus.limits.body-bytes",
    "confbus.limits.body-timeout",
    "confbus.limits.connections",
    "confbus.limits.connections-per-address",
    "confbus.limits.file-bytes",
    "confbus.limits.files",
    "confbus.limits.names",
    "confbus.limits.path-segments",
    "confbus.limits.handshake-timeout",
    "confbus.limits.head-bytes",
    "confbus.limits.head-timeout",
    "confbus.limits.idle-timeout",
    "confbus.limits.lag-timeout",
    "confbus.limits.lagging-reads",
    "confbus.limits.rates.decisions",
    "confbus.limits.rates.encryption",
    "confbus.limits.rates.refreshes",
    "confbus.limits.rates.webhooks",
    "confbus.limits.requests",
    "confbus.limits.send-timeout",
    "confbus.limits.target-bytes",
    "confbus.limits.this-machine",
    "confbus.limits.total-bytes",
    "confbus.limits.webhook-bytes",
    "confbus.metrics.enabled",
    "confbus.monitor.destinations",
    "confbus.monitor.previous-secrets.*",
    "confbus.monitor.sources",
    "confbus.rabbitmq.certificate",
    "confbus.rabbitmq.password-file",
    "confbus.rabbitmq.private-key",
    "confbus.rabbitmq.trusted-certificates",
    "confbus.rabbitmq.username-file",
    "confbus.replicas.enabled",
    "confbus.security.mode",
    "confbus.security.open-to-network",
    "confbus.security.rules*",
    "confbus.security.tokens.*",
    "confbus.security.users.*",
    "confbus.security.weak-secrets",
    "confbus.server.kept-bytes",
    "confbus.server.threads",
    "confbus.ui.color",
    "confbus.ui.enabled",
    "confbus.ui.name",
    "confbus.waves.*",
    "encrypt.fail-on-error",
    "encrypt.key",
    "encrypt.key-store.alias",
    "encrypt.key-store.location",
    "encrypt.key-store.password",
    "encrypt.key-store.secret",
    "encrypt.key-store.type",
    "encrypt.rsa.algorithm",
    "encrypt.rsa.salt",
    "encrypt.rsa.strong",
    "encrypt.salt",
    "eureka.client.enabled",
    "eureka.client.register-with-eureka",
    "eureka.client.service-url.defaultZone",
    "eureka.instance.appname",
    "eureka.instance.hostname",
    "eureka.instance.instance-id",
    "eureka.instance.ip-address",
    "eureka.instance.lease-expiration-duration-in-seconds",
    "eureka.instance.lease-renewal-interval-in-seconds",
    "eureka.instance.metadata-map.*",
    "eureka.instance.non-secure-port",
    "eureka.instance.non-secure-port-enabled",
    "eureka.instance.prefer-ip-address",
    "eureka.instance.secure-port",
    "eureka.instance.secure-port-enabled",
    "eureka.instance.secure-virtual-host-name",
    "eureka.instance.virtual-host-name",
    "management.*",
    "management.endpoint.health.show-details",
    "management.opentelemetry.resource-attributes.*",
    "management.otlp.tracing.endpoint",
    "management.otlp.tracing.headers.*",
    "management.otlp.tracing.timeout",
    "management.server.address",
    "management.server.port",
    "management.tracing.enabled",
    "management.tracing.sampling.probability",
    "otel.exporter.otlp.endpoint",
    "otel.exporter.otlp.headers",
    "otel.exporter.otlp.protocol",
    "otel.exporter.otlp.timeout",
    "otel.exporter.otlp.traces.endpoint",
    "otel.exporter.otlp.traces.headers",
    "otel.exporter.otlp.traces.protocol",
    "otel.exporter.otlp.traces.timeout",
    "otel.resource.attributes",
    "otel.sdk.disabled",
    "otel.service.name",
    "otel.traces.exporter",
    "server.address",
    "server.compression.enabled",
    "server.compression.min-response-size",
    "server.error.include-message",
    "server.port",
    "server.servlet.context-path",
    "server.ssl.certificate",
    "server.ssl.certificate-private-key",
    "server.ssl.client-auth",
    "server.ssl.enabled",
    "server.ssl.enabled-protocols",
    "server.ssl.key-store",
    "server.ssl.key-store-password",
    "server.ssl.key-store-type",
    "server.ssl.trust-certificate",
    "server.ssl.trust-store",
    "server.ssl.trust-store-password",
    "server.ssl.trust-store-type",
    "spring.application.index",
    "spring.application.name",
    "spring.cloud.bootstrap.enabled",
    "spring.cloud.bus.ack.destination-service",
    "spring.cloud.bus.ack.enabled",
    "spring.cloud.bus.content-type",
    "spring.cloud.bus.destination",
    "spring.cloud.bus.enabled",
    "spring.cloud.bus.env.enabled",
    "spring.cloud.bus.id",
    "spring.cloud.bus.refresh.enabled",
    "spring.cloud.bus.shutdown.enabled",
    "spring.cloud.bus.trace.enabled",
    "spring.cloud.config.monitor.endpoint.path",
    "spring.cloud.config.server.accept-empty",
    "spring.cloud.config.server.default-label",
    "spring.cloud.config.server.encrypt.enabled",
    "spring.cloud.config.server.encrypt.plain-text-encrypt",
    "spring.cloud.config.server.encrypt.prefix-invalid-properties",
    "spring.cloud.config.server.git.basedir",
    "spring.cloud.config.server.git.clone-on-start",
    "spring.cloud.config.server.git.continue-on-multiple-label-failure",
    "spring.cloud.config.server.git.default-label",
    "spring.cloud.config.server.git.delete-untracked-branches",
    "spring.cloud.config.server.git.force-pull",
    "spring.cloud.config.server.git.host-key",
    "spring.cloud.config.server.git.host-key-algorithm",
    "spring.cloud.config.server.git.ignore-local-ssh-settings",
    "spring.cloud.config.server.git.known-hosts-file",
    "spring.cloud.config.server.git.order",
    "spring.cloud.config.server.git.passphrase",
    "spring.cloud.config.server.git.password",
    "spring.cloud.config.server.git.pattern",
    "spring.cloud.config.server.git.preferred-authentications",
    "spring.cloud.config.server.git.private-key",
    "spring.cloud.config.server.git.refresh-rate",
    "spring.cloud.config.server.git.search-paths",
    "spring.cloud.config.server.git.skip-ssl-validation",
    "spring.cloud.config.server.git.strict-host-key-checking",
    "spring.cloud.config.server.git.timeout",
    "spring.cloud.config.server.git.try-master-branch",
    "spring.cloud.config.server.git.uri",
    "spring.cloud.config.server.git.username",
    "spring.cloud.config.server.fail-on-composite-error",
    "spring.cloud.config.server.health.*",
    "spring.cloud.config.server.monitor.bitbucket.enabled",
    "spring.cloud.config.server.monitor.bitbucket.validation-enabled",
    "spring.cloud.config.server.monitor.bitbucket.webhook-secret",
    "spring.cloud.config.server.monitor.gitea.enabled",
    "spring.cloud.config.server.monitor.gitea.validation-enabled",
    "spring.cloud.config.server.monitor.gitea.webhook-secret",
    "spring.cloud.config.server.monitor.gitee.enabled",
    "spring.cloud.config.server.monitor.gitee.validation-enabled",
    "spring.cloud.config.server.monitor.gitee.webhook-secret",
    "spring.cloud.config.server.monitor.github.enabled",
    "spring.cloud.config.server.monitor.github.validation-enabled",
    "spring.cloud.config.server.monitor.github.webhook-secret",
    "spring.cloud.config.server.monitor.gitlab.enabled",
    "spring.cloud.config.server.monitor.gitlab.validation-enabled",
    "spring.cloud.config.server.monitor.gitlab.webhook-secret",
    "spring.cloud.config.server.monitor.gogs.enabled",
    "spring.cloud.config.server.monitor.gogs.validation-enabled",
    "spring.cloud.config.server.monitor.gogs.webhook-secret",
    "spring.cloud.config.server.monitor.max-dashes",
    "spring.cloud.config.server.monitor.max-paths",
    "spring.cloud.config.server.monitor.validation-filter-enabled",
    "spring.cloud.config.server.native.add-label-locations",
    "spring.cloud.config.server.native.default-label",
    "spring.cloud.config.server.native.fail-on-error",
    "spring.cloud.config.server.native.order",
    "spring.cloud.config.server.native.search-locations",
    "spring.cloud.config.server.native.version",
    "spring.cloud.config.server.overrides",
    "spring.cloud.config.server.overrides.*",
    "spring.cloud.config.server.prefix",
    "spring.cloud.config.server.reverse-location-order",
    "spring.cloud.config.server.strip-document-from-yaml",
    "spring.cloud.config.server.vault.authentication",
    "spring.cloud.config.server.vault.backend",
    "spring.cloud.config.server.vault.default-key",
    "spring.cloud.config.server.vault.default-label",
    "spring.cloud.config.server.vault.enable-label",
    "spring.cloud.config.server.vault.full-key-path",
    "spring.cloud.config.server.vault.host",
    "spring.cloud.config.server.vault.kv-version",
    "spring.cloud.config.server.vault.namespace",
    "spring.cloud.config.server.vault.order",
    "spring.cloud.config.server.vault.path-to-key",
    "spring.cloud.config.server.vault.port",
    "spring.cloud.config.server.vault.profile-separator",
    "spring.cloud.config.server.vault.scheme",
    "spring.cloud.config.server.vault.skip-ssl-validation",
    "spring.cloud.config.server.vault.timeout",
    "spring.cloud.config.server.vault.token",
    "spring.cloud.discovery.enabled",
    "spring.cloud.service-registry.auto-registration.enabled",
    "spring.cloud.stream.bindings.springcloudbusinput.*",
    "spring.cloud.stream.bindings.springCloudBusInput.content-type",
    "spring.cloud.stream.bindings.springCloudBusInput.destination",
    "spring.cloud.stream.bindings.springCloudBusInput.group",
    "spring.cloud.stream.bindings.springcloudbusoutput.*",
    "spring.cloud.stream.bindings.springCloudBusOutput.content-type",
    "spring.cloud.stream.bindings.springCloudBusOutput.destination",
    "spring.cloud.stream.rabbit.bindings.springcloudbusinput.*",
    "spring.cloud.stream.rabbit.bindings.springCloudBusInput.consumer.anonymousGroupPrefix",
    "spring.cloud.stream.rabbit.bindings.springCloudBusInput.consumer.bindingRoutingKey",
    "spring.cloud.stream.rabbit.bindings.springCloudBusInput.consumer.bindingRoutingKeyDelimiter",
    "spring.cloud.stream.rabbit.bindings.springCloudBusInput.consumer.bindQueue",
    "spring.cloud.stream.rabbit.bindings.springCloudBusInput.consumer.declareExchange",
    "spring.cloud.stream.rabbit.bindings.springCloudBusInput.consumer.prefix",
    "spring.cloud.stream.rabbit.bindings.springCloudBusInput.consumer.queueNameGroupOnly",
    "spring.cloud.stream.rabbit.bindings.springcloudbusoutput.*",
    "spring.cloud.stream.rabbit.bindings.springCloudBusOutput.producer.declareExchange",
    "spring.cloud.stream.rabbit.bindings.springCloudBusOutput.producer.prefix",
    "spring.cloud.stream.rabbit.bindings.springCloudBusOutput.producer.routingKey",
    "spring.profiles.active",
    "spring.profiles.validate",
    "spring.rabbitmq.address-shuffle-mode",
    "spring.rabbitmq.addresses",
    "spring.rabbitmq.cache.*",
    "spring.rabbitmq.channel-rpc-timeout",
    "spring.rabbitmq.connection-timeout",
    "spring.rabbitmq.dynamic",
    "spring.rabbitmq.host",
    "spring.rabbitmq.listener.*",
    "spring.rabbitmq.max-inbound-message-body-size",
    "spring.rabbitmq.password",
    "spring.rabbitmq.port",
    "spring.rabbitmq.publisher-confirm-type",
    "spring.rabbitmq.publisher-returns",
    "spring.rabbitmq.requested-channel-max",
    "spring.rabbitmq.requested-heartbeat",
    "spring.rabbitmq.ssl.algorithm",
    "spring.rabbitmq.ssl.bundle",
    "spring.rabbitmq.ssl.enabled",
    "spring.rabbitmq.ssl.key-store",
    "spring.rabbitmq.ssl.key-store-algorithm",
    "spring.rabbitmq.ssl.key-store-password",
    "spring.rabbitmq.ssl.key-store-type",
    "spring.rabbitmq.ssl.trust-store",
    "spring.rabbitmq.ssl.trust-store-algorithm",
    "spring.rabbitmq.ssl.trust-store-password",
    "spring.rabbitmq.ssl.trust-store-type",
    "spring.rabbitmq.ssl.validate-server-certificate",
    "spring.rabbitmq.ssl.verify-hostname",
    "spring.rabbitmq.stream.*",
    "spring.rabbitmq.template.*",
    "spring.rabbitmq.username",
    "spring.rabbitmq.virtual-host",
    "spring.web.error.include-message",
    "spring.security.oauth2.resourceserver.jwt.audiences",
    "spring.security.oauth2.resourceserver.jwt.issuer-uri",
    "spring.security.oauth2.resourceserver.jwt.jwk-set-uri",
    "spring.security.oauth2.resourceserver.jwt.jws-algorithms",
    "spring.security.oauth2.resourceserver.jwt.principal-claim-name",
    "spring.security.user.name",
    "spring.security.user.password",
    "vcap.application",
    "vcap.application.instance_id",
    "vcap.application.instance_index",
    "vcap.application.name",
];

/// Read by Spring's server and not by ours yet: to go on without them would serve something else than was asked for.
pub(super) const UNSUPPORTED: &[&str] = &["server.ssl."];

/// Prefixes under which a key that is not known is most likely a slip of the pen.
const OURS: &[&str] = &[
    "confbus.",
    "server.ssl.",
    "encrypt.",
    "spring.cloud.bus.",
    "spring.cloud.config.server.",
    "spring.cloud.stream.bindings.springcloudbus",
    "spring.cloud.stream.rabbit.bindings.springcloudbus",
    "spring.rabbitmq.",
    "spring.security.oauth2.resourceserver.",
];

/// Whether a key is meant for us.
pub(super) fn is_ours(key: &str) -> bool {
    OURS.iter().any(|prefix| key.starts_with(prefix))
}

/// The key that stands for one of many repositories: of `composite[1].uri`, of `git.repos.special.uri`, it is that of the only
/// repository, `git.uri`. Takes and gives uniform spelling.
pub(super) fn of_one_repository(key: &str) -> String {
    const SERVER: &str = "spring.cloud.config.server.";
    let Some(rest) = key.strip_prefix(SERVER) else {
        return key.to_owned();
    };
    if let Some((_, member)) = rest
        .strip_prefix("composite[")
        .and_then(|rest| rest.split_once("]."))
    {
        let native = format!("{SERVER}native.{member}");
        let vault = format!("{SERVER}vault.{member}");
        let is_known = |key: &String| KEYS.iter().any(|known| uniform(known) == *key);
        return match member {
            "type" => format!("{SERVER}git.order"),
            _ if is_known(&native) => native,
            "searchlocations" => native,
            _ if is_known(&vault) => vault,
            _ => of_one_repository(&format!("{SERVER}git.{member}")),
        };
    }
    let Some(repository) = rest.strip_prefix("git.repos.") else {
        return key.to_owned();
    };
    match repository.split_once('.') {
        None => format!("{SERVER}git.uri"),
        Some((_, "name")) => format!("{SERVER}git.uri"),
        Some((_, member)) => format!("{SERVER}git.{member}"),
    }
}

/// The known key that looks most like this one.
pub(super) fn nearest(key: &str) -> Option<&'static str> {
    let whole = KEYS.iter().copied().filter(|known| !known.ends_with('*'));
    closest(key, whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_many_repositories_has_the_keys_of_the_only_one() {
        let server = "spring.cloud.config.server";
        for (key, known) in [
            ("composite[1].uri", "git.uri"),
            ("composite[2].kvversion", "vault.kvversion"),
            ("composite[1].searchlocations", "native.searchlocations"),
            ("composite[0].repos.x.pattern[0]", "git.pattern[0]"),
            ("git.repos.special", "git.uri"),
            ("git.repos.special.searchpaths", "git.searchpaths"),
            ("git.uri", "git.uri"),
        ] {
            assert_eq!(
                of_one_repository(&format!("{server}.{key}")),
                format!("{server}.{known}")
            );
        }
    }

    #[test]
    fn a_slip_of_the_pen_finds_its_key() {
        assert_eq!(
            nearest("spring.cloud.config.server.git.url"),
            Some("spring.cloud.config.server.git.uri")
        );
        assert_eq!(
            nearest("confbus.git.freshnes"),
            Some("confbus.git.freshness")
        );
    }

    /// Under its own name, or as `.x` in a line about its neighbours.
    #[test]
    fn each_setting_of_ours_is_on_the_page_of_settings() {
        let page = include_str!("../../docs/reference/settings.md");
        let is_on_page = |key: &str| {
            let key = key.trim_end_matches('*').trim_end_matches('.');
            let (group, name) = key.rsplit_once('.').unwrap();
            let of_group = format!("`{group}.");
            let own = [
                format!("`{key}`"),
                format!("`{key}."),
                format!("`.{name}`"),
                format!("`.{name}.*`"),
                format!("`.{name}[…]`"),
            ];
            let mut lines = page.lines().filter(|line| line.contains(&of_group));
            lines.any(|line| own.iter().any(|own| line.contains(own)))
        };
        let ours = KEYS.iter().filter(|key| key.starts_with("confbus."));
        let missing: Vec<_> = ours.filter(|key| !is_on_page(key)).collect();
        assert!(missing.is_empty(), "{missing:#?}");
    }
}
