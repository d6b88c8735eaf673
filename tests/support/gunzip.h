#pragma once

#include <string>
#include <string_view>

/// Decompresses exactly one gzip member that fills all of `compressed`; fails the test otherwise.
std::string gunzip_one_member(std::string_view compressed);
