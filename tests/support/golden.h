#pragma once

#include <filesystem>
#include <string>

/// The whole of a file; fails the test when it cannot be read.
std::string read_file(const std::filesystem::path& path);

/// Compares `actual` with the file, whole. With UPDATE_GOLDEN=1 writes the file instead.
void check_golden(const std::filesystem::path& path, const std::string& actual);
