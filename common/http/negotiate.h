#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

/// Content negotiation by RFC 9110, section 12. Malformed parts of a header are ignored.
namespace exporter::http {

/// A media type that can be served, with its parameters, in order of preference, e.g.
/// "application/openmetrics-text; version=1.0.0".
/// The index of the offer that the Accept header prefers: highest q, then most specific range, then
/// first offer. 0 if the header is empty or accepts none (a page is better than a 406).
std::size_t best_media_type(std::string_view accept, std::span<const std::string_view> offers);

/// Whether the Accept-Encoding header accepts `coding` ("gzip") with q > 0 and not less than
/// identity. False for an empty header.
bool accepts_encoding(std::string_view accept_encoding, std::string_view coding);

}  // namespace exporter::http
