use super::{Finding, Verdict};
use crate::{
    metrics::Registries,
    registration::{Ports, Probed, Registrar, Trouble},
    settings::Settings,
};

pub(super) const NAME: &str = "registry";

/// Asks each registry that would be told, and tells it nothing. Without any there is nothing to say.
pub(super) async fn look(settings: &mut Settings) -> Vec<Finding> {
    let ports = Ports {
        main: settings.listen,
        management: settings.management,
    };
    let registration = std::mem::take(&mut settings.registration);
    match Registrar::open(registration, ports, &Registries::default()) {
        Ok((registrar, _)) => registrar.probe().await.iter().map(finding).collect(),
        Err(error) => vec![Finding::new(NAME, Verdict::Bad, error)],
    }
}

fn finding(probed: &Probed) -> Finding {
    let place = &probed.place;
    match &probed.answer {
        Ok(()) => Finding::good(NAME, format!("{place} answers")),
        Err(trouble) => {
            let finding = Finding::new(NAME, Verdict::Bad, format!("{place}: {trouble}"));
            match trouble {
                Trouble::Denied(_) => finding.help("see its user and password, or its token, and what they may"),
                _ => finding.help("see its address; a server starts without it, and is found by nobody who asks there"),
            }
        }
    }
}
