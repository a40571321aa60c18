use confbus_protocol::{Application, BusId, Label, Profiles, Report};
use confbus_resolution::EnvironmentRequest;
use serde::{Deserialize, Serialize};

use super::Sight;

/// The longest text that is kept, in bytes.
pub(super) const LONGEST_TEXT: usize = 512;

/// Whose configuration, as asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Coordinates {
    pub(super) application: String,
    pub(super) profiles: String,
    pub(super) label: Option<String>,
}

impl Coordinates {
    /// `None` when they are too long to be kept.
    pub(super) fn of_request(request: &EnvironmentRequest) -> Option<Self> {
        let coordinates = Self {
            application: request.application.as_str().to_owned(),
            profiles: request.profiles.as_str().to_owned(),
            label: request
                .label
                .as_ref()
                .map(|label| label.as_str().to_owned()),
        };
        coordinates.are_short().then_some(coordinates)
    }

    /// What an instance says that it asked for.
    pub(super) fn of_report(report: &Report) -> Option<Self> {
        let coordinates = Self {
            application: report.application.clone(),
            profiles: report.profiles.clone(),
            label: report.label.clone(),
        };
        coordinates.are_short().then_some(coordinates)
    }

    /// As a bus id tells them: `application[:profiles]:index:random`. Older members of the bus leave their profiles out.
    pub(super) fn of_bus_id(id: &BusId) -> Self {
        let parts: Vec<_> = id.as_str().split(':').collect();
        let profiles = match parts.as_slice() {
            [_, profiles, _, _] => comma_list(profiles),
            _ => "default".to_owned(),
        };
        Self {
            application: parts[0].to_owned(),
            profiles,
            label: None,
        }
    }

    /// The request that they are, if they are one.
    pub(super) fn request(&self) -> Option<EnvironmentRequest> {
        let profiles = match self.profiles.as_str() {
            "" => Profiles::none(),
            profiles => Profiles::parse(profiles).ok()?,
        };
        Some(EnvironmentRequest {
            application: Application::parse(&self.application).ok()?,
            profiles,
            label: self.label.as_deref().map(Label::parse).transpose().ok()?,
        })
    }

    /// Application, profiles and label, by which they are sorted.
    pub(super) fn names(&self) -> (String, String, Option<String>) {
        let Self {
            application,
            profiles,
            label,
        } = self.clone();
        (application, profiles, label)
    }

    pub(super) fn are_seen_by(&self, sight: &dyn Sight) -> bool {
        sight.has_environment(&self.application, &self.profiles, self.label.as_deref())
    }

    fn are_short(&self) -> bool {
        [&self.application, &self.profiles]
            .into_iter()
            .chain(&self.label)
            .all(|text| text.len() <= LONGEST_TEXT)
    }
}

/// A comma list as applications ask for it, without blanks.
fn comma_list(text: &str) -> String {
    let items: Vec<_> = text.split(',').map(str::trim).collect();
    items.join(",")
}

/// The beginning of a text, short enough to be kept.
pub(super) fn shortened(mut text: String) -> String {
    let mut end = LONGEST_TEXT.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bus_id_tells_whose_configuration_it_is() {
        for (id, application, profiles) in [
            ("orders:8081:ab12", "orders", "default"),
            ("orders:dev:8081:ab12", "orders", "dev"),
            ("orders:dev, cloud:8081:ab12", "orders", "dev,cloud"),
            ("orders", "orders", "default"),
        ] {
            let coordinates = Coordinates::of_bus_id(&BusId::new(id).unwrap());
            assert_eq!(coordinates.application, application, "{id}");
            assert_eq!(coordinates.profiles, profiles, "{id}");
        }
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        assert_eq!(shortened("ü".repeat(300)).len(), LONGEST_TEXT);
        assert_eq!(
            shortened(format!("a{}", "ü".repeat(300))).len(),
            LONGEST_TEXT - 1
        );
    }
}
