/* store/row_checks.h -- what a text of a row, or members of it together, must be (row_texts.c).
 * Each returns 0, or ERR_INVALID with the name of the member in front. */
#ifndef ABACUS_STORE_ROW_CHECKS_H
#define ABACUS_STORE_ROW_CHECKS_H

#include "store/store_backend.h"

enum { JSON_DEPTH_MAX = 8 }; /* of settings, memberships, receipts */

int check_origins(struct str text, struct err *err);
int check_settings(struct str text, struct err *err);
int check_identity(struct str text, struct err *err);
int check_tracking_ids(struct str text, struct err *err);
int check_fields(struct str text, struct err *err);
int check_goals(struct str text, struct err *err);
int check_path_rules(struct str text, struct err *err);
int check_pinned(struct str text, struct err *err);
int check_base32(struct str text, struct err *err);
int check_hash(struct str text, struct err *err);
int check_site_id(struct str text, struct err *err);
int check_email(struct str text, struct err *err);
int check_memberships(struct str text, struct err *err);
int check_rows(struct str text, struct err *err);
int check_nodes(struct str text, struct err *err);
int check_installation(struct str text, struct err *err);

int check_token(const void *row, struct err *err);
int check_session(const void *row, struct err *err);
int check_erasure(const void *row, struct err *err);
int check_annotation(const void *row, struct err *err);

#endif
