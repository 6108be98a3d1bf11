//! A list of names in which one is found without a look at the others.

/// Names, and where each stands by its hash. `N` is a power of two above the number of names, 256 at most.
#[derive(Debug)]
pub(crate) struct Names<const N: usize> {
    names: &'static [&'static str],
    /// One more than a name's number, at its hash or, where others were there first, behind them; 0 where there is none.
    places: [u8; N],
}

impl<const N: usize> Names<N> {
    /// Files `names`. Does not compile into a constant if they are too many.
    #[expect(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "while it compiles: what does not fit would not"
    )]
    pub(crate) const fn new(names: &'static [&'static str]) -> Self {
        assert!(names.len() < N && N.is_power_of_two() && N <= 256, "too many names");
        let mut places = [0; N];
        let mut number = 0;
        while number < names.len() {
            let mut place = hash::<N>(names[number].as_bytes());
            while places[place] != 0 {
                place = place.wrapping_add(1) & N.wrapping_sub(1);
            }
            number = number.wrapping_add(1);
            places[place] = number as u8;
        }
        Self { names, places }
    }

    /// The number of the name that is spelled like `text`.
    pub(crate) fn find(&self, text: &str) -> Option<usize> {
        let mut place = hash::<N>(text.as_bytes());
        loop {
            let number = usize::from(*self.places.get(place)?).checked_sub(1)?;
            if *self.names.get(number)? == text {
                return Some(number);
            }
            place = place.wrapping_add(1) & N.wrapping_sub(1);
        }
    }
}

/// A number below `N` that is not the same for many names.
const fn hash<const N: usize>(name: &[u8]) -> usize {
    let [first, before, last] = match name {
        [first, .., before, last] => [*first as usize, *before as usize, *last as usize],
        _ => [0; 3],
    };
    let mixed =
        first.wrapping_mul(FIRST) ^ before.wrapping_mul(BEFORE) ^ last ^ name.len().wrapping_mul(LENGTH);
    mixed & N.wrapping_sub(1)
}

/// Factors that keep most of the elements of SyncML and of the parms of client provisioning apart.
const FIRST: usize = 23;
const BEFORE: usize = 5;
const LENGTH: usize = 21;

#[cfg(test)]
mod tests {
    use super::*;

    static CROWDED: Names<8> = Names::new(&["abc", "adbc", "", "x", "abbc", "zbc", "y"]);

    #[test]
    fn every_name_is_found_and_no_other() {
        for (number, name) in CROWDED.names.iter().enumerate() {
            assert_eq!(CROWDED.find(name), Some(number), "{name}");
        }
        for other in ["ab", "ABC", "abcc", "z", "abc ", "acbc"] {
            assert_eq!(CROWDED.find(other), None, "{other}");
        }
    }
}
