#pragma once

#include <filesystem>
#include <string>

/// The content of a file; fails the test if it cannot be read.
std::string read_file(const std::filesystem::path& path);

/// Compares `actual` with the whole file. With UPDATE_GOLDEN=1 writes the file instead.
void check_golden(const std::filesystem::path& path, const std::string& actual);
