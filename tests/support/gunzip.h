#pragma once

#include <string>
#include <string_view>

/// The text of exactly one gzip member that fills all of `compressed`; fails the test when it is
/// anything else.
std::string gunzip_one_member(std::string_view compressed);
