//! A place for a value in memory that lies there from the start.

/// A value or nothing, like `Option`, but nothing is zeros: an `Option` may mark it by a number that the value never has, and
/// a static with one octet that is not zero is kept in flash as a whole. For large values that a device holds in statics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Slot<T> {
    /// Nothing.
    #[default]
    Empty = 0,
    /// A value.
    Held(T) = 1,
}

impl<T> Slot<T> {
    /// The value.
    pub const fn as_ref(&self) -> Option<&T> {
        match self {
            Self::Empty => None,
            Self::Held(value) => Some(value),
        }
    }

    /// The value, to be changed.
    pub const fn as_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Empty => None,
            Self::Held(value) => Some(value),
        }
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// A copy of the value.
    pub const fn get(&self) -> Option<T>
    where
        T: Copy,
    {
        match *self {
            Self::Empty => None,
            Self::Held(value) => Some(value),
        }
    }
}
