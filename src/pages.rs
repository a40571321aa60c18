//! What people see in a browser below `/_/`: plain structs that are filled from the facts of other rooms and written by
//! templates. Nothing is decided in a template, and no text of a repository or an instance becomes more than text.

mod assets;
mod delivery;
mod failure;
mod fleet;
mod forms;
mod frame;
mod held;
mod instances;
mod links;
mod moment;
mod overview;
mod refreshes;
mod search;
mod sentence;
mod sign;

pub(crate) use assets::asset;
pub(crate) use delivery::{Delivery, Facts};
pub(crate) use failure::FailurePage;
pub(crate) use forms::{Confirmation, Field};
pub(crate) use frame::{Color, Frame, Place, Settings};
pub(crate) use held::{HeldFile, HeldPage};
pub(crate) use instances::{Filter as InstancesFilter, InstancePage, InstancesPage};
pub(crate) use moment::Moment;
pub(crate) use overview::{Facts as OverviewFacts, Filter as OverviewFilter, Overview, Trouble};
pub(crate) use refreshes::{RefreshPage, RefreshesPage};
pub(crate) use search::{SearchPage, search};
