//! What people see in a browser below `/_/`: plain structs that are filled from the facts of other rooms and written by
//! templates. Nothing is decided in a template, and no text of a repository or an instance becomes more than text.

mod address;
mod assets;
mod commit;
mod configuration;
mod delivery;
mod diff;
mod failure;
mod fleet;
mod forms;
mod frame;
mod held;
mod history;
mod instances;
mod links;
mod moment;
mod overview;
mod pager;
mod refreshes;
mod search;
mod settings;
mod sign;
mod value;

pub(crate) use assets::asset;
pub(crate) use configuration::{Beside, ConfigurationPage, Filter as KeyFilter, KeyPage};
pub(crate) use delivery::{Delivery, Facts};
pub(crate) use diff::DiffPage;
pub(crate) use failure::FailurePage;
pub(crate) use forms::{Confirmation, Earlier, Field, PinChoice, Preview};
pub(crate) use frame::{Color, Frame, Framed, Place, Settings};
pub(crate) use held::{HeldFile, HeldPage};
pub(crate) use history::HistoryPage;
pub(crate) use instances::{Filter as InstancesFilter, InstancePage, InstancesPage};
pub(crate) use moment::Moment;
pub(crate) use overview::{
    Facts as OverviewFacts, Filter as OverviewFilter, LAST as LAST_REFRESHES, Overview, Trouble,
};
pub(crate) use refreshes::{RefreshPage, RefreshesPage};
pub(crate) use search::{SearchPage, search};
pub(crate) use settings::{Said, SettingsFacts, SettingsPage, Warning};

macro_rules! framed {
    ($($page:ty),* $(,)?) => {$(
        impl Framed for $page {
            fn frame(&self) -> &Frame {
                &self.frame
            }
        }
    )*};
}
framed!(
    ConfigurationPage,
    Confirmation,
    Delivery,
    DiffPage,
    HeldPage,
    HistoryPage,
    InstancePage,
    InstancesPage,
    KeyPage,
    Overview,
    PinChoice,
    RefreshPage,
    RefreshesPage,
    SearchPage,
    SettingsPage
);
