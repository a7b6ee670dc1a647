//! Passes over a [`Function`], one file each, and their order.

mod branches;
mod carry;
mod dead;
mod dominators;
mod gvn;
mod params;
mod scoped;
mod simplify;

pub use dominators::{Dominators, Step, reachable};
pub use scoped::Scoped;
pub use simplify::{Operand, Simplified, simplify};

use super::func::Function;

/// Runs every pass that pays. The function stays valid (see [`super::verify`]) after each.
pub fn optimize(func: &mut Function) {
    params::prune(func);
    branches::fold(func);
    gvn::number(func);
    branches::fold(func);
    params::prune(func);
    carry::as_integers(func);
    dead::eliminate(func);
}
