#include "exporters/sql/import_url.h"

#include <algorithm>
#include <cctype>

#include "common/base/text.h"

namespace exporter::sql {
namespace {

constexpr auto kNone = std::string_view::npos;
constexpr std::size_t kMaxOptionName = 40;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_option_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxOptionName && std::ranges::all_of(text, [](char c) {
    return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.' || c == ' ';
  });
}

bool is_variable_name(std::string_view text) {
  return !text.empty() && !is_digit(text[0]) &&
         std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c) || c == '_'; });
}

// The delimiters of a variable, in place of `${` and `}`: no URL contains these bytes.
constexpr char kBegin = 1, kEnd = 2;

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

/// The text with %XX decoded and variables as $NAME; nothing if the result is not UTF-8 or has
/// control characters.
std::optional<std::string> decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == kEnd) continue;
    const auto byte =
        text[i] == '%' ? parse_number<unsigned char>(text.substr(i + 1, 2), 16) : std::nullopt;
    const bool is_encoded = byte && i + 2 < text.size();
    result += is_encoded ? static_cast<char>(*byte) : text[i] == kBegin ? '$' : text[i];
    if (is_encoded) i += 2;
  }
  if (std::ranges::any_of(result, is_control) || !valid_utf8(result)) return std::nullopt;
  return result;
}

/// A variable at the start of a text.
struct Variable {
  std::string name;
  std::size_t length = 0;  ///< in the text; 0 if there is none
};

Variable braced_variable(std::string_view text, std::string_view open, std::string_view close) {
  if (!text.starts_with(open)) return {};
  const auto end = text.find(close, open.size());
  if (end == kNone) return {};
  const auto name = trim(text.substr(open.size(), end - open.size()));
  return is_variable_name(name) ? Variable{std::string(name), end + close.size()} : Variable{};
}

/// `$NAME`, in capitals: `$ecret` is more likely a password.
Variable bare_variable(std::string_view text) {
  const auto* end = std::find_if_not(text.begin() + 1, text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
  });
  const std::string name(text.begin() + 1, end);
  const bool goes_on = end != text.end() && is_letter(*end);
  return is_variable_name(name) && !goes_on ? Variable{name, name.size() + 1} : Variable{};
}

Variable take_variable(std::string_view text, UrlStyle style) {
  if (style == UrlStyle::dburl) {
    const auto braced = braced_variable(text, "${", "}");
    return braced.length == 0 && text[0] == '$' ? bare_variable(text) : braced;
  }
  auto variable = braced_variable(text, "{{", "}}");
  if (style != UrlStyle::go_drivers) return variable;
  if (variable.length == 0) variable = braced_variable(text, "[[", "]]");
  variable.name = to_upper(variable.name);
  return variable;
}

/// The text with its variables between kBegin and kEnd; empty if it contains these bytes already.
std::string marked(std::string_view text, UrlStyle style, std::vector<std::string>& names) {
  if (std::ranges::any_of(text, is_control)) return {};
  std::string result;
  while (!text.empty()) {
    const auto variable = take_variable(text, style);
    if (variable.length == 0) {
      result += text[0];
    } else {
      result += kBegin + variable.name + kEnd;
      names.push_back(variable.name);
    }
    text.remove_prefix(std::max<std::size_t>(variable.length, 1));
  }
  return result;
}

/// The variable, if the marked text consists of one.
std::string variable_in(std::string_view marked) {
  const bool is_one =
      marked.size() > 2 && marked.front() == kBegin && marked.find(kEnd) == marked.size() - 1;
  return is_one ? std::string(marked.substr(1, marked.size() - 2)) : std::string();
}

/// The length of the authority: parentheses, as in tcp(host:port) and Oracle's descriptions, may
/// contain slashes.
std::size_t authority_length(std::string_view text) {
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')') --depth;
    if (depth <= 0 && (text[i] == '/' || text[i] == '?' || text[i] == '#')) return i;
  }
  return text.size();
}

class Splitter {
 public:
  std::optional<ImportedUrl> split(std::string_view rest) {
    const auto length = authority_length(rest);
    if (!take_authority(rest.substr(0, length)) || !take_rest(rest.substr(length))) {
      return std::nullopt;
    }
    return std::move(url_);
  }

  /// A path and options.
  bool take_rest(std::string_view rest) {
    // An unencoded slash in a password would end the authority before its '@'.
    if (rest.find_first_of("@#") != kNone) return false;
    const auto path = next_part(rest, '?');
    const auto name = decoded(path.substr(path.starts_with('/') ? 1 : 0));
    if (!name) return false;
    url_.path = *name;
    while (!rest.empty()) {
      if (!take_option(next_part(rest, '&'))) return false;
    }
    return true;
  }

  ImportedUrl& url() { return url_; }

 private:
  bool take_authority(std::string_view authority) {
    const auto at = authority.rfind('@');
    auto place = authority;
    if (at != kNone) {
      auto credentials = authority.substr(0, at);
      place = authority.substr(at + 1);
      const auto user = decoded(next_part(credentials, ':'));
      if (!user) return false;
      url_.user = *user;
      set_password(credentials);
    }
    return take_place(place);
  }

  void set_password(std::string_view password) {
    if (password.empty()) return;
    url_.has_password = true;
    url_.password_variable = variable_in(password);
  }

  bool take_place(std::string_view place) {
    if (place.starts_with("unix(") && place.ends_with(')')) {
      const auto socket = decoded(place.substr(5, place.size() - 6));
      url_.socket = socket.value_or("");
      return socket.has_value();
    }
    if (place.starts_with("tcp(") && place.ends_with(')'))
      place = place.substr(4, place.size() - 5);
    const auto text = decoded(place);
    if (!text) return false;
    url_.authority = *text;
    if (text->starts_with('(')) {  // an Oracle description
      url_.host = *text;
      return text->find('@') == kNone;
    }
    if (text->find_first_of("/@?# \\") != kNone) return false;
    const auto colon = text->rfind(':');
    const auto bracket = text->rfind(']');
    const bool has_port = colon != kNone && (bracket == kNone || colon > bracket);
    url_.host = text->substr(0, has_port ? colon : text->size());
    if (url_.host.starts_with('[') && url_.host.ends_with(']')) {
      url_.host = url_.host.substr(1, url_.host.size() - 2);
    } else if (url_.host.find(':') != kNone) {
      return false;
    }
    return !has_port || take_port(text->substr(colon + 1));
  }

  bool take_port(const std::string& port) {
    if (port.starts_with('$') || std::ranges::all_of(port, is_digit)) {
      url_.port = port;
    } else {
      url_.has_bad_port = true;
      url_.authority = url_.host;
    }
    return true;
  }

  bool take_option(std::string_view option) {
    const auto name = decoded(next_part(option, '='));
    std::string plus(option);
    std::ranges::replace(plus, '+', ' ');
    if (!name) return false;
    const auto key = to_lower(*name);
    if (key.find("pass") != std::string::npos || key == "pwd" || key == "token") {
      set_password(option);
      return true;
    }
    const auto value = decoded(plus);
    if (!value) return false;
    if (key == "user" || key == "uid") {
      url_.user = *value;
    } else if (!name->empty()) {
      url_.options.emplace_back(*name, *value);
    }
    return true;
  }

  ImportedUrl url_;
};

}  // namespace

std::string variable_of(std::string_view text, UrlStyle style) {
  std::vector<std::string> names;
  return variable_in(marked(trim(text), style, names));
}

std::string scheme_of(std::string_view url) {
  const auto colon = url.find(':');
  const auto scheme = url.substr(0, colon);
  const bool is_scheme =
      colon != kNone && !scheme.empty() && is_letter(scheme[0]) &&
      std::ranges::all_of(scheme, [](char c) {
        return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.' || c == '_';
      });
  return is_scheme ? to_lower(scheme) : std::string();
}

namespace {

std::optional<ImportedUrl> split_marked(std::string_view rest, bool is_file) {
  rest.remove_prefix(std::min(rest.size(), rest.find(':') + 1));
  const bool has_authority = rest.starts_with("//");
  if (has_authority) rest.remove_prefix(2);
  Splitter splitter;
  if (!is_file && has_authority) return splitter.split(rest);
  const auto path = decoded(next_part(rest, '?'));
  if (!path || !splitter.take_rest("?" + std::string(rest))) return std::nullopt;
  auto& url = splitter.url();
  (is_file ? url.path : url.socket) = *path;  // mysql:/run/mysqld/mysqld.sock
  if (!is_file && path->find('@') != kNone) return std::nullopt;
  return std::move(url);
}

}  // namespace

std::optional<ImportedUrl> split_url(std::string_view text, UrlStyle style, bool is_file) {
  std::vector<std::string> names;
  auto url = split_marked(marked(trim(text), style, names), is_file);
  if (!url) return std::nullopt;
  std::erase(names, url->password_variable);
  for (const auto& name : names) {
    url->variables += (url->variables.empty() ? "$" : ", $") + name;
  }
  return url;
}

std::string shown_option(std::string_view name) {
  return is_option_name(name) ? std::string(name) : "...";
}

}  // namespace exporter::sql
