/*
 * api/resets.h -- new passwords that people have asked for by their address alone.
 *
 * Who asks is told nothing: the answer is on its way before anybody looks whether there is such a
 * person, so that neither words nor time tell. The look, the link and the mail are the directory
 * thread's (api_send_resets()). Without mail, or without a public URL, which alone says where a
 * link may lead (the Host of a stranger's request does not), nothing is sent.
 *
 * Any thread. Bounded: what does not fit is forgotten.
 */
#ifndef ABACUS_API_RESETS_H
#define ABACUS_API_RESETS_H

#include "api/api.h"

enum { RESETS_MAX = 64, RESETS_A_TICK = 4, RESET_EMAIL_MAX = 254 };

void resets_add(struct resets *resets, struct str email);

#endif
