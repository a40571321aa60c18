use confbus_protocol::Destination;

/// What somebody may see of all that is recorded.
pub(crate) trait Sight: Send + Sync {
    /// Whether it is everything.
    fn is_whole(&self) -> bool;
    /// Who asks for this, as it was asked for.
    fn has_environment(&self, application: &str, profiles: &str, label: Option<&str>) -> bool;
    /// All that there is of an application.
    fn has_application(&self, application: &str) -> bool {
        self.has_address(application, None, None)
    }
    /// What somebody decided about an address; what is left out is any.
    fn has_address(&self, application: &str, profile: Option<&str>, label: Option<&str>) -> bool;
    /// A label that moved.
    fn has_label(&self, label: &str) -> bool;
    /// Whether somebody may be meant who is seen.
    fn may_be_meant(&self, destination: &Destination) -> bool;
}

/// That of somebody who may see everything.
#[cfg(test)]
#[derive(Clone)]
pub(crate) struct Everything;

#[cfg(test)]
impl Sight for Everything {
    fn is_whole(&self) -> bool {
        true
    }

    fn has_environment(&self, _: &str, _: &str, _: Option<&str>) -> bool {
        true
    }

    fn has_address(&self, _: &str, _: Option<&str>, _: Option<&str>) -> bool {
        true
    }

    fn has_label(&self, _: &str) -> bool {
        true
    }

    fn may_be_meant(&self, _: &Destination) -> bool {
        true
    }
}
