//! Uniform random digits of base 62.

use std::io;

use zeroize::Zeroizing;

use super::ALPHABET;

/// The largest multiple of 62 that fits into a byte. Larger bytes would favour the first digits.
const FAIR: u8 = 248;

/// Fills a slice with random digits, and drops each byte that is not below [`FAIR`].
pub(crate) fn random_digits(
    digits: &mut [u8],
    fill: &mut impl FnMut(&mut [u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut random = Zeroizing::new([0; 64]);
    let mut left = random.len();
    for digit in digits {
        loop {
            if left == random.len() {
                fill(&mut *random)?;
                left = 0;
            }
            let byte = random[left];
            left += 1;
            if byte < FAIR {
                *digit = ALPHABET[usize::from(byte % 62)];
                break;
            }
        }
    }
    Ok(())
}

/// Fills a slice with random bytes of the operating system.
pub(crate) fn from_the_system(bytes: &mut [u8]) -> io::Result<()> {
    getrandom::fill(bytes).map_err(|error| {
        let message =
            format!("the operating system returned no random numbers; try again: {error}");
        io::Error::other(message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_digit_comes_from_four_bytes() {
        let mut bytes = (0..=u8::MAX).cycle();
        // Twice all of them: the second time tells what became of the last ones of the first.
        let mut digits = [0; 2 * 4 * 62];
        random_digits(&mut digits, &mut |random| {
            random.fill_with(|| bytes.next().unwrap_or_default());
            Ok(())
        })
        .unwrap();
        for digit in ALPHABET {
            let drawn = digits.iter().filter(|drawn| *drawn == digit).count();
            assert_eq!(drawn, 2 * 4, "{}", char::from(*digit));
        }
    }

    #[test]
    fn failing_generator_is_an_error() {
        let mut left = 1;
        let failed = random_digits(&mut [0; 100], &mut |_| {
            left -= 1;
            if left < 0 {
                Err(io::ErrorKind::WouldBlock.into())
            } else {
                Ok(())
            }
        });
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}
