//! Which routes there are, and who may take them. A route is added here and nowhere else, and none without a [`Guard`].

use axum::{
    Router,
    extract::Request,
    handler::Handler,
    middleware::{self, Next},
    response::Response,
    routing::{MethodFilter, MethodRouter, on},
};
use confbus_protocol::REPORTS_PATH;
use http::Method;

use super::{
    Services, Settings, access::Asking, actuator, boot1, busenv, busrefresh, configuration, error,
    error::Failure, events, health, inspections, instances, methods, monitor, openapi,
    own_settings, pages, pins, probes, refreshes, reports, scrape, waves,
};
use crate::{
    access::Kind,
    metrics::{Asked, Requests},
};

/// Who may take a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guard {
    /// Everyone; how much it shows depends on who asks.
    Public,
    /// Whoever is known.
    Known,
    /// Whoever may do something of this kind; its handler looks whether this is it.
    For(Kind),
    /// Likewise, and deliveries with a signature, which the handler checks.
    Signed(Kind),
}

/// A path, and what may be done there.
pub(super) struct Route {
    path: String,
    guards: Vec<(Method, Guard)>,
    methods: MethodRouter<Services>,
}

/// All routes but those of the config space, whose guard is in [`configuration::find`].
pub(super) fn routes(settings: &Settings) -> Vec<Route> {
    use Guard::{For, Known, Public, Signed};
    let monitor = format!("{}/monitor", settings.monitor_path.as_str());
    let mut routes = vec![
        read("/actuator").get(Known, actuator::links),
        read("/actuator/health").get(Public, health::whole),
        read("/actuator/health/{component}").get(Public, health::part),
        read("/actuator/info").get(For(Kind::Health), actuator::info),
        read("/livez").get(Public, probes::live),
        read("/readyz").get(Public, probes::ready),
        write(&monitor).post(Signed(Kind::Monitor), monitor::receive),
        read("/confbus/events").get(For(Kind::Events), events::stream),
        beside(&format!("/{REPORTS_PATH}")).post(For(Kind::Report), reports::receive),
        beside("/_/api/openapi.json").get(Known, openapi::description),
        beside("/_/api/configurations/{application}/{profile}")
            .get(For(Kind::Fleet), inspections::configuration),
        beside("/_/api/diffs").get(For(Kind::Fleet), inspections::diff),
        beside("/_/api/explanations/{application}/{profile}")
            .get(For(Kind::Fleet), inspections::explanation),
        beside("/_/api/fleet").get(For(Kind::Fleet), inspections::fleet),
        beside("/_/api/history/{application}/{profile}")
            .get(For(Kind::Fleet), inspections::history),
        beside("/_/api/instances").get(For(Kind::Fleet), instances::list),
        beside("/_/api/names").get(For(Kind::Fleet), inspections::names),
        beside("/_/api/refreshes").get(For(Kind::Fleet), refreshes::list),
        beside("/_/api/refreshes/{id}").get(For(Kind::Fleet), refreshes::one),
        beside("/_/api/pins")
            .get(For(Kind::Fleet), pins::list)
            .post(For(Kind::Operate), pins::pin),
        beside("/_/api/pins/{id}").delete(For(Kind::Operate), pins::release),
        beside("/_/api/settings").get(For(Kind::Health), own_settings::list),
        beside("/_/api/waves").get(For(Kind::Fleet), waves::list),
        beside("/_/api/waves/promote").post(For(Kind::Operate), waves::promote),
        beside("/_/api/waves/abort").post(For(Kind::Operate), waves::abort),
        beside("/bus/refresh").post(Signed(Kind::Refresh), boot1::refresh),
        beside("/bus/env").post(For(Kind::Refresh), boot1::change),
        Route::new("/error").any(Public, error::error_page),
    ];
    if settings.pages.enabled {
        routes.extend(pages());
    }
    if settings.metrics {
        let paths = ["/actuator/prometheus", "/metrics"];
        routes.extend(paths.map(|path| read(path).get(For(Kind::Metrics), scrape::page)));
    }
    // Under names that Spring has given up, everything but POST is the config space's.
    for below in ["", "/", "/{*destination}"] {
        let at = |name: &str| format!("/actuator/{name}{below}");
        routes.extend([
            write(&at("busrefresh")).post(Signed(Kind::Refresh), busrefresh::refresh),
            write(&at("busenv")).post(For(Kind::Refresh), busenv::change),
            beside(&at("bus-refresh")).post(Signed(Kind::Refresh), busrefresh::refresh),
            beside(&at("bus-env")).post(For(Kind::Refresh), busenv::change),
        ]);
    }
    routes
}

/// What people see in a browser, and what such pages need.
fn pages() -> Vec<Route> {
    use Guard::{For, Known};
    let operate = For(Kind::Operate);
    let refresh = For(Kind::Refresh);
    let fleet = For(Kind::Fleet);
    vec![
        read("/_/").get(fleet, pages::overview),
        read("/_/apps/{application}/{profile}").get(fleet, pages::configuration),
        read("/_/apps/{application}/{profile}/history").get(fleet, pages::history),
        read("/_/apps/{application}/{profile}/key").get(fleet, pages::key),
        read("/_/assets/{name}").get(Known, pages::asset),
        read("/_/api/changes").get(fleet, pages::stream),
        read("/_/diff").get(fleet, pages::diff),
        read("/_/delivery").get(fleet, pages::delivery),
        read("/_/instances").get(fleet, pages::instances),
        read("/_/instances/{id}").get(fleet, pages::instance),
        read("/_/pin")
            .get(operate, pages::ask_pin)
            .post(operate, pages::do_pin),
        read("/_/pins/{id}/release")
            .get(operate, pages::ask_release)
            .post(operate, pages::do_release),
        read("/_/quarantine").get(fleet, pages::held),
        read("/_/refresh")
            .get(refresh, pages::ask_refresh)
            .post(refresh, pages::do_refresh),
        read("/_/refreshes").get(fleet, pages::refreshes),
        read("/_/refreshes/{id}").get(fleet, pages::refresh),
        read("/_/search").get(fleet, pages::search),
        read("/_/settings").get(fleet, pages::settings),
        read("/_/{*page}").get(fleet, pages::missing),
    ]
}

fn read(path: &str) -> Route {
    Route::new(path).otherwise(methods::not_read)
}

fn write(path: &str) -> Route {
    Route::new(path).otherwise(methods::not_written)
}

/// Other methods see what lies there in Spring: the configuration of an application with that name.
fn beside(path: &str) -> Route {
    Route::new(path).otherwise(configuration::find)
}

impl Route {
    fn new(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            guards: Vec::new(),
            methods: MethodRouter::new(),
        }
    }

    fn otherwise<H: Handler<T, Services>, T: 'static>(mut self, handler: H) -> Self {
        self.methods = self.methods.fallback(handler);
        self
    }

    fn get<H: Handler<T, Services>, T: 'static>(self, guard: Guard, handler: H) -> Self {
        self.on(Method::GET, MethodFilter::GET, guard, handler)
    }

    fn post<H: Handler<T, Services>, T: 'static>(self, guard: Guard, handler: H) -> Self {
        self.on(Method::POST, MethodFilter::POST, guard, handler)
    }

    fn delete<H: Handler<T, Services>, T: 'static>(self, guard: Guard, handler: H) -> Self {
        self.on(Method::DELETE, MethodFilter::DELETE, guard, handler)
    }

    fn any<H: Handler<T, Services>, T: 'static>(mut self, guard: Guard, handler: H) -> Self {
        self.guards.push((Method::GET, guard));
        self.methods = guarded(guard, axum::routing::any(handler));
        self
    }

    fn on<H: Handler<T, Services>, T: 'static>(
        mut self,
        method: Method,
        filter: MethodFilter,
        guard: Guard,
        handler: H,
    ) -> Self {
        self.guards.push((method, guard));
        self.methods = self.methods.merge(guarded(guard, on(filter, handler)));
        self
    }

    #[cfg(test)]
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    #[cfg(test)]
    pub(super) fn methods(&self) -> impl Iterator<Item = &Method> {
        self.guards.iter().map(|(method, _)| method)
    }

    /// Adds it below a context path. What is asked for there is counted under its path, unless a handler says otherwise.
    pub(super) fn add_to(
        self,
        router: Router<Services>,
        context: &str,
        requests: &Requests,
    ) -> Router<Services> {
        let asked = Asked::from(requests.route(&self.path));
        let count = move |mut answer: Response| async move {
            answer.extensions_mut().get_or_insert(asked);
            answer
        };
        let methods = self.methods.layer(middleware::map_response(count));
        router.route(&format!("{context}{}", self.path), methods)
    }
}

/// Lets nobody through to the handlers whom the guard refuses.
fn guarded(guard: Guard, methods: MethodRouter<Services>) -> MethodRouter<Services> {
    methods.layer(middleware::from_fn(
        move |asking: Asking, request: Request, next: Next| async move {
            guard.check(&asking)?;
            Ok::<Response, Failure>(next.run(request).await)
        },
    ))
}

impl Guard {
    fn check(self, asking: &Asking) -> Result<(), Failure> {
        match self {
            Self::Public | Self::Signed(_) => Ok(()),
            Self::Known => asking.may_enter(),
            Self::For(kind) => asking.may_some(kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// The black-box tests ask for each of them. `UPDATE_EXPECT=1` writes the list anew.
    #[test]
    fn all_routes_are_listed() {
        let mut list = String::new();
        for route in routes(&Settings::default()) {
            for (method, guard) in route.guards {
                _ = writeln!(list, "{method} {} {guard:?}", route.path);
            }
        }
        expect_test::expect_file!["../../tests/it/golden/routes.txt"].assert_eq(&list);
    }
}
