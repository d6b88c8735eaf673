#include "common/http/negotiate.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/text.h"

namespace exporter::http {

namespace {

/// The part before the first `separator` outside of quoted strings.
std::string_view next_unquoted_part(std::string_view& rest, char separator) {
  bool quoted = false;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (quoted && rest[i] == '\\') {
      ++i;
    } else if (rest[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && rest[i] == separator) {
      const auto part = rest.substr(0, i);
      rest.remove_prefix(i + 1);
      return part;
    }
  }
  return std::exchange(rest, {});
}

struct Parameter {
  std::string_view name, value;
};

Parameter parse_parameter(std::string_view text) {
  const auto name = trim(next_part(text, '='));
  auto value = trim(text);
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  return {name, value};
}

/// RFC 9110, 12.4.2: at most three decimals, from 0 to 1; in thousandths.
std::optional<int> parse_quality(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int thousandths = (text[0] - '0') * 1000;
  int weight = 100;
  for (const char digit : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (digit < '0' || digit > '9') return std::nullopt;
    thousandths += (digit - '0') * weight;
    weight /= 10;
  }
  return thousandths <= 1000 ? std::optional(thousandths) : std::nullopt;
}

/// One element of an Accept or Accept-Encoding header, or an offer.
struct Element {
  std::string_view name;
  std::vector<Parameter> parameters;
  int quality = 1000;
};

std::optional<Element> parse_element(std::string_view text) {
  Element element;
  element.name = trim(next_unquoted_part(text, ';'));
  if (element.name.empty()) return std::nullopt;
  while (!text.empty()) {
    const auto parameter = parse_parameter(next_unquoted_part(text, ';'));
    if (equal_ignoring_case(parameter.name, "q")) {
      const auto quality = parse_quality(parameter.value);
      if (!quality) return std::nullopt;
      element.quality = *quality;
      break;  // parameters after q are extensions, not parameters of the type
    }
    if (!parameter.name.empty()) element.parameters.push_back(parameter);
  }
  return element;
}

std::vector<Element> parse_elements(std::string_view header) {
  std::vector<Element> elements;
  while (!header.empty()) {
    if (auto element = parse_element(next_unquoted_part(header, ','))) {
      elements.push_back(std::move(*element));
    }
  }
  return elements;
}

/// Whether an escaping parameter leaves existing names unchanged: ASCII letters, digits, "_" and
/// ":" (Prometheus 3; prometheus.io/docs/instrumenting/escaping_schemes).
bool leaves_names_alone(const Parameter& parameter) {
  return equal_ignoring_case(parameter.name, "escaping") &&
         !equal_ignoring_case(parameter.value, "dots");
}

/// How closely a range matches an offer: 0 not at all, 1 for "*/*", 2 for "type/*", 3 for the type
/// itself plus one for each of its parameters.
int specificity(const Element& range, const Element& offer) {
  if (range.name == "*/*") return 1;
  auto range_subtype = range.name, offer_subtype = offer.name;
  const auto range_type = next_part(range_subtype, '/');
  const auto offer_type = next_part(offer_subtype, '/');
  if (!equal_ignoring_case(range_type, offer_type)) return 0;
  if (range_subtype == "*") return 2;
  if (!equal_ignoring_case(range_subtype, offer_subtype)) return 0;
  for (const auto& wanted : range.parameters) {
    const auto same = [&](const Parameter& offered) {
      return equal_ignoring_case(wanted.name, offered.name) &&
             equal_ignoring_case(wanted.value, offered.value);
    };
    if (leaves_names_alone(wanted)) continue;
    if (std::ranges::none_of(offer.parameters, same)) return 0;
  }
  return 3 + static_cast<int>(range.parameters.size());
}

struct Preference {
  int quality = 0, specificity = 0;
  auto operator<=>(const Preference&) const = default;
};

/// The quality that the most specific matching range gives the offer (RFC 9110, 12.5.1).
Preference preference(const std::vector<Element>& ranges, const Element& offer) {
  Preference best;
  for (const auto& range : ranges) {
    const int fits = specificity(range, offer);
    if (fits > best.specificity) best = {range.quality, fits};
  }
  return best.quality > 0 ? best : Preference{};
}

}  // namespace

std::size_t best_media_type(std::string_view accept, std::span<const std::string_view> offers) {
  const auto ranges = parse_elements(accept);
  std::size_t best = 0;
  Preference liked;
  for (std::size_t i = 0; i < offers.size(); ++i) {
    const auto offer = parse_element(offers[i]);
    if (!offer) continue;
    const auto offered = preference(ranges, *offer);
    if (offered > liked) {
      best = i;
      liked = offered;
    }
  }
  return best;
}

bool accepts_encoding(std::string_view accept_encoding, std::string_view coding) {
  const auto elements = parse_elements(accept_encoding);
  const auto quality_of = [&](std::string_view name) -> std::optional<int> {
    for (const auto wanted : {name, std::string_view("*")}) {
      for (const auto& element : elements) {
        if (equal_ignoring_case(element.name, wanted)) return element.quality;
      }
    }
    return std::nullopt;
  };
  const int quality = quality_of(coding).value_or(0);
  return quality > 0 && quality >= quality_of("identity").value_or(0);
}

}  // namespace exporter::http
