//! What follows from what labels name now.

use std::sync::Arc;

use confbus_protocol::Label;
use confbus_resolution::EnvironmentRequest;
use tracing::{info, warn};

use super::{Keeper, Others};
use crate::{
    environment_repository::{
        Difference, EnvironmentRepository, FindError, InService, Release, Scope,
    },
    waves::{
        course::{Change, Course, Event, Wave},
        line::Line,
        lines::{Lines, MAX_LINES},
        now,
        rule::Rule,
    },
};

impl Keeper {
    /// Notes what everybody has of the labels that are in service, before anybody is answered.
    pub(crate) fn prepare(&self, repository: &EnvironmentRepository) {
        self.begin(&self.seen(repository));
    }

    /// Brings every course to what the labels name.
    pub(super) async fn look(&self, others: &Others) {
        let seen = self.seen(&others.repository);
        if self.begin(&seen) {
            self.save(&self.lines.load_full()).await;
        }
        self.find_releases(&seen, others).await;
        for (rule, in_service) in &seen {
            self.follow(rule, in_service, others).await;
        }
    }

    fn seen(&self, repository: &EnvironmentRepository) -> Vec<(&Arc<Rule>, InService)> {
        let mut seen = Vec::new();
        for rule in &self.rules {
            let asked = rule.address.label.as_deref().map(Label::parse);
            let asked = asked.and_then(Result::ok);
            let in_service = repository.labels_in_service(asked.as_ref());
            seen.extend(in_service.into_iter().map(|label| (rule, label)));
        }
        seen
    }

    fn line(&self, rule: &Rule, in_service: &InService) -> Option<Arc<Line>> {
        let InService {
            repository, label, ..
        } = in_service;
        self.lines.load().of_rule(rule, repository, label).cloned()
    }

    /// Notes labels that came into service, in memory first: they may move at once. Whether there are such.
    fn begin(&self, seen: &[(&Arc<Rule>, InService)]) -> bool {
        let mut lines = Lines::clone(&self.lines.load());
        let mut is_new = false;
        for (rule, in_service) in seen {
            if self.line(rule, in_service).is_some() {
                continue;
            }
            lines.make_room(|line| {
                let mut seen = seen.iter();
                seen.any(|(_, other)| {
                    other.repository == line.course.repository && other.label == line.label
                })
            });
            if !lines.has_room() {
                warn!(label = %in_service.label, "there are more than {MAX_LINES} labels with waves; this one has none");
                break;
            }
            lines.put(first(rule, in_service));
            is_new = true;
        }
        if is_new {
            self.lines.store(Arc::new(lines));
        }
        is_new
    }

    /// Puts at hand what courses speak of: what the label names, or what is brought into service after a start.
    async fn find_releases(&self, seen: &[(&Arc<Rule>, InService)], others: &Others) {
        let mut found = Vec::new();
        for (rule, in_service) in seen {
            let Some(line) = self.line(rule, in_service) else {
                continue;
            };
            let release = &in_service.release;
            let has = line.settled.as_ref();
            // The same commit is another release once more is known of it, or fewer earlier ones are needed.
            let is_renewed = release.newest() == line.course.settled()
                && !has.is_some_and(|has| has.is(&release.among(&line.course.all_settled())));
            if is_renewed || line.misses_something() {
                let line = complete(&line, in_service, others).await;
                found.extend(line);
            }
        }
        if !found.is_empty() {
            self.put(found);
        }
    }

    /// Takes note of where a label is.
    async fn follow(&self, rule: &Rule, in_service: &InService, others: &Others) {
        let Some(line) = self.line(rule, in_service) else {
            return;
        };
        let (release, newest) = (&in_service.release, in_service.release.newest());
        let wave = line.course.wave.as_ref();
        let is_known = match wave {
            None => line.course.settled() == newest,
            Some(wave) => wave.commit == newest,
        };
        let is_held = line.held.as_ref().is_some_and(|(held, _)| *held == newest);
        let is_alike = line.alike == Some(newest);
        if is_known || is_held || is_alike || line.misses_something() {
            return;
        }
        let Some(examined) = self.examine(&line, release, others).await else {
            return;
        };
        let change = match examined {
            Ok(change) => change,
            Err(problems) => {
                let said = problems.first().map(ToString::to_string);
                info!(address = %line.rule.address, commit = %newest, problem = said, "a commit that somebody cannot be given begins no wave");
                self.put([Line {
                    held: Some((newest, problems)),
                    ..Line::clone(&line)
                }]);
                // Answers say why from now on.
                others.repository.answers_change();
                return;
            }
        };
        let Some(survey) = self.survey(&line, others).await else {
            return;
        };
        let event = Event::Moved {
            commits: &release.commits(),
            change,
            fleet: &survey.fleet(),
        };
        if let Some(next) = line.course.after(&event, &line.rule, now()) {
            self.go_on(&line, next, Some(release), others).await;
        } else {
            self.put([Line {
                alike: Some(newest),
                ..Line::clone(&line)
            }]);
            others.repository.answers_change();
        }
    }

    /// What a commit changes for those whom a line is about, or why some of them cannot be given it. Aside from the runtime's
    /// threads: there may be thousands. `None` when that failed.
    async fn examine(
        &self,
        line: &Arc<Line>,
        newest: &Release,
        others: &Others,
    ) -> Option<Result<Change, Vec<confbus_resolution::Problem>>> {
        let known = others.ledger.known();
        let (line, lines) = (Arc::clone(line), self.lines.load_full());
        let (repository, newest) = (others.repository.clone(), newest.clone());
        let work = move || {
            let address = &line.rule.address;
            let known: Vec<_> = known
                .iter()
                .filter(|known| address.may_hold(known))
                .cloned()
                .collect();
            let holds = |request: &EnvironmentRequest| lines.decides(&line, request);
            let scope = Scope {
                repository: &line.course.repository,
                label: &line.label,
                holds: &holds,
            };
            let since = |from: &Option<Release>| {
                let from = from.as_ref();
                from.map_or(Difference::Nothing, |from| {
                    repository.difference(&scope, &known, from, &newest)
                })
            };
            match since(&line.settled) {
                Difference::Held(problems) => Err(problems),
                Difference::Nothing => Ok(Change::Nothing),
                Difference::Something if line.coming.is_none() => Ok(Change::Something),
                Difference::Something => match since(&line.coming) {
                    Difference::Nothing => Ok(Change::NothingSinceWave),
                    _ => Ok(Change::Something),
                },
            }
        };
        tokio::task::spawn_blocking(work).await.ok()
    }
}

/// What a label names when it comes into service, everybody has.
fn first(rule: &Arc<Rule>, in_service: &InService) -> Line {
    let InService {
        repository,
        label,
        release,
    } = in_service;
    let course = Course::new(
        rule.address.clone(),
        repository,
        label.as_str(),
        &release.commits(),
    );
    Line {
        settled: Some(release.clone()),
        ..Line::new(course, Arc::clone(rule), label.clone())
    }
}

/// The line with what it misses, as far as that is here; without what is gone for good.
async fn complete(line: &Line, in_service: &InService, others: &Others) -> Option<Line> {
    let own = &in_service.release;
    let mut next = line.clone();
    if own.newest() == line.course.settled() {
        next.settled = Some(own.among(&line.course.all_settled()));
    } else if line.settled.is_none() {
        let commits = line.course.all_settled();
        let brought = others
            .repository
            .bring(&in_service.repository, &commits)
            .await;
        next.settled = match brought {
            Ok(release) => Some(release),
            Err(FindError::NoSuchCommit) if line.stands_still() => {
                if !line.is_lost {
                    warn!(address = %line.rule.address, commit = %line.course.settled(), "what everybody had is gone, and what the label names stopped; nobody is given anything until somebody promotes the wave");
                }
                next.is_lost = true;
                return Some(next);
            }
            Err(FindError::NoSuchCommit) => {
                warn!(address = %line.rule.address, commit = %line.course.settled(), "what everybody had is gone; everybody is given what the label names");
                return Some(first(&line.rule, in_service));
            }
            Err(_) => return None,
        };
    }
    if let (None, Some(Wave { commit, .. })) = (&line.coming, &line.course.wave) {
        let coming = if own.newest() == *commit {
            Ok(own.clone())
        } else {
            others
                .repository
                .bring(&in_service.repository, &[*commit])
                .await
        };
        match (coming, &next.settled) {
            (Ok(coming), Some(settled)) => next.coming = Some(coming.over(settled)),
            // The label names another one by now, which the next wave brings.
            (Err(FindError::NoSuchCommit), _) => next.course.wave = None,
            _ => {}
        }
    }
    Some(next)
}
