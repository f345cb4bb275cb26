#ifndef UDSRPC_PROTO_GENERATOR_LAYOUT_H_
#define UDSRPC_PROTO_GENERATOR_LAYOUT_H_

#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/io/printer.h"

namespace udsrpc::generator {

// `open`, the `items` with ", " between them, and `close`, broken into lines of at most 120 columns much as
// clang-format would with Google's style: behind the opening bracket where every item fits there, else four columns
// further in than `open`, on lines of their own. An item that is longer than a line makes a longer line.
std::vector<std::string> BreakList(std::string_view open, const std::vector<std::string>& items,
                                   std::string_view close);

// True where BreakList makes no line longer than 120 columns of this one item.
bool FitsOnLine(std::string_view open, std::string_view item, std::string_view close);

// Prints the lines of BreakList.
void PrintList(google::protobuf::io::Printer& printer, std::string_view open, const std::vector<std::string>& items,
               std::string_view close);

// Prints a function's head, `indent` before it. A `type` that leaves no room for `name` gets a line of its own.
void PrintFunction(google::protobuf::io::Printer& printer, const std::string& indent, const std::string& type,
                   const std::string& name, const std::vector<std::string>& parameters, std::string_view close);

}  // namespace udsrpc::generator

#endif  // UDSRPC_PROTO_GENERATOR_LAYOUT_H_
