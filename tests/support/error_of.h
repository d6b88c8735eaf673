#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "common/base/error.h"

/// The text of the Error that a call throws; checks its reason.
template <class Function>
std::string error_of(exporter::Reason reason, Function&& function) {
  try {
    function();
  } catch (const exporter::Error& error) {
    CHECK(error.reason() == reason);
    return error.what();
  }
  return "no error";
}
