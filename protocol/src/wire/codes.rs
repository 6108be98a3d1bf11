/// Declares an open code: a number from the wire whose known values have names and whose unknown values survive.
///
/// ```
/// kedge_protocol::wire::open_code! {
///     /// What a dish is.
///     pub struct Course(u8) {
///         /// Before the main dish.
///         STARTER = 0, "starter";
///         /// After it.
///         DESSERT = 2, "dessert";
///     }
/// }
/// assert_eq!(Course(2), Course::DESSERT);
/// assert_eq!(format!("{} {}", Course(2), Course(9)), "dessert unknown(9)");
/// ```
#[macro_export]
#[doc(hidden)]
macro_rules! __open_code {
    ($(#[$meta:meta])* $vis:vis struct $name:ident($int:ty) {
        $($(#[$cmeta:meta])* $code:ident = $value:expr, $text:literal;)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis struct $name(pub $int);

        impl $name {
            $($(#[$cmeta])* pub const $code: Self = Self($value);)*

            /// The specification's name, if the value has one.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $(v if v == $value => Some($text),)*
                    _ => None,
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "unknown({})", self.0),
                }
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

#[doc(inline)]
pub use crate::__open_code as open_code;
