#ifndef UDSRPC_PROTO_GENERATOR_COMMENTS_H_
#define UDSRPC_PROTO_GENERATOR_COMMENTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/printer.h"

namespace udsrpc::generator {

// The comments around one declaration of a .proto, each as the lines of a C++ comment without their `//`.
struct Comments {
  std::vector<std::vector<std::string>> detached;  // those before it that an empty line keeps apart
  std::vector<std::string> attached;               // the one before it, then the one behind it
};

Comments CommentsOf(const google::protobuf::ServiceDescriptor& service);
Comments CommentsOf(const google::protobuf::MethodDescriptor& method);

// Lines that show `text` and cannot end the `//` comment that each is put into: no line feed or carriage return, which
// some compilers take for one, no backslash at the end, and no control or direction character or malformed UTF-8, which
// make a `?` each. At least one line.
std::vector<std::string> CommentLines(std::string_view text);

// Prints each line behind `indent` and `//`.
void PrintComment(google::protobuf::io::Printer& printer, const std::string& indent,
                  const std::vector<std::string>& lines);

// Prints the detached comments, each with an empty line behind it.
void PrintDetached(google::protobuf::io::Printer& printer, const std::string& indent, const Comments& comments);

}  // namespace udsrpc::generator

#endif  // UDSRPC_PROTO_GENERATOR_COMMENTS_H_
